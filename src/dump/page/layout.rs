//! Layered drawing of directed acyclic graphs: boxes of any size in, places and bent edges out.
//!
//! The method is Sugiyama's (Sugiyama, Tagawa, Toda 1981): layers by longest path, edges over several layers cut by dummies, sweeps that
//! order each layer by the mean place of neighbours, then sweeps that move boxes towards their neighbours without
//! overlaps. Everything is in the order of the input, so the same graph has the same picture. About 2,000 boxes take well under a
//! second.

/// A place or a size: along x and along y, or the other way round while a drawing is turned.
pub(super) type Point = (f64, f64);

/// A stretch of one coordinate.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: f64,
    to: f64,
}

/// A drawing.
#[derive(Debug, Default)]
pub(super) struct Drawing {
    /// The left upper corner of each box.
    pub(super) places: Vec<Point>,
    /// The bends of each edge, from the lower side of the one box to the upper side of the other.
    pub(super) paths: Vec<Vec<Point>>,
    /// The extent of the whole.
    pub(super) size: Point,
    /// Whether layers are side by side rather than one below the other; paths then lead from right sides to left sides.
    pub(super) sideways: bool,
    /// Where each layer begins and ends, along the way of the layers.
    layers: Vec<Stretch>,
}

/// Space between boxes of a layer, and between layers.
const GAP: Point = (18.0, 34.0);
/// Beyond so many dummies long edges are drawn straight.
const MAX_DUMMIES: usize = 30_000;
/// Drawings of fewer layers are not wrapped: they are small however narrow they are.
const MIN_WRAPPED: usize = 14;
const ORDER_SWEEPS: usize = 8;
const PLACE_SWEEPS: usize = 12;

/// Draws boxes with layers from above or from the left, whichever comes nearer to `ratio` of width to height. Space between
/// sideways layers is what edges need to turn.
pub(super) fn draw_either(sizes: &[Point], edges: &[(usize, usize)], ratio: f64) -> Drawing {
    let down = wrapped(draw(sizes, edges), sizes, 1.0 / ratio);
    let turned: Vec<Point> = sizes.iter().map(|s| (s.1, s.0)).collect();
    let mut side = wrapped(draw(&turned, edges), &turned, ratio);
    let turn = |p: &mut Point| *p = (p.1, p.0);
    side.places.iter_mut().for_each(turn);
    side.paths.iter_mut().flatten().for_each(turn);
    turn(&mut side.size);
    side.sideways = true;
    let off = |d: &Drawing| (d.size.0.max(1.0) / d.size.1.max(1.0) / ratio).ln().abs();
    if off(&side) < off(&down) { side } else { down }
}

/// A drawing that is much longer than `ratio` times its breadth, in bands side by side as the lines of a text are: what is deep and
/// narrow would otherwise be too small to see. Layers lead along the second coordinate.
fn wrapped(mut d: Drawing, sizes: &[Point], ratio: f64) -> Drawing {
    let (breadth, length) = d.size;
    let count = |breadth: f64| (length / (ratio * breadth.max(1.0))).sqrt().floor();
    if count(breadth) < 2.0 || d.layers.len() < MIN_WRAPPED {
        return d;
    }
    // A drawing that drifts is narrower in bands than as a whole, and so has room for more of them.
    let mut bands = Bands::of(&d, sizes, count(breadth));
    for _ in 0..2 {
        bands = Bands::of(&d, sizes, count(bands.breadth() + 2.0 * GAP.1));
    }
    let mut offsets: Vec<f64> = Vec::with_capacity(bands.across.len());
    let mut free = 0.0;
    for across in &bands.across {
        offsets.push(free - across.from);
        free += across.to - across.from + 2.5 * GAP.1;
    }
    let starts = &bands.starts;
    let end = |band: usize| starts.get(band + 1).map_or(length, |next| next - GAP.1) - starts[band];
    let moved = |p: Point, band: usize| (p.0 + offsets[band], p.1 - starts[band]);
    for place in &mut d.places {
        *place = moved(*place, bands.at(place.1));
    }
    for (i, path) in d.paths.iter_mut().enumerate() {
        let mut out: Vec<Point> = Vec::with_capacity(path.len());
        let mut last: Option<usize> = None;
        for p in path.iter() {
            let band = bands.at(p.1);
            let to = moved(*p, band);
            if let (Some(from), Some(&at)) = (last.filter(|l| *l != band), out.last()) {
                // Round the end of the one band, through the space behind it, and in at the beginning of the other.
                let lane = offsets[from] + bands.across[from].to + GAP.1 + (i % 9) as f64 * 3.0;
                out.extend([(at.0, end(from) + 10.0), (lane, end(from) + 10.0), (lane, -10.0), (to.0, -10.0)]);
            }
            out.push(to);
            last = Some(band);
        }
        *path = out;
    }
    let longest = (0..starts.len()).map(end).fold(0.0, f64::max);
    d.size = (free - 2.5 * GAP.1, longest + 10.0);
    d
}

/// The bands that a drawing is cut into: where each begins along the layers, and from where to where it reaches across them.
struct Bands {
    starts: Vec<f64>,
    across: Vec<Stretch>,
}

impl Bands {
    /// A band begins with the first layer beyond an equal share of the length.
    fn of(d: &Drawing, sizes: &[Point], n_bands: f64) -> Self {
        let mut starts = vec![0.0];
        for layer in &d.layers {
            if layer.from >= starts.len() as f64 * d.size.1 / n_bands {
                starts.push(layer.from);
            }
        }
        let across = vec![Stretch { from: f64::INFINITY, to: f64::NEG_INFINITY }; starts.len()];
        let mut bands = Self { starts, across };
        let boxes = d.places.iter().zip(sizes).map(|(p, s)| (p.1, p.0, p.0 + s.0));
        let bends = d.paths.iter().flatten().map(|p| (p.1, p.0, p.0));
        for (along, low, high) in boxes.chain(bends) {
            let band = bands.at(along);
            let across = &mut bands.across[band];
            *across = Stretch { from: across.from.min(low), to: across.to.max(high) };
        }
        bands
    }

    fn at(&self, along: f64) -> usize {
        self.starts.partition_point(|s| *s <= along + 1e-6).saturating_sub(1)
    }

    fn breadth(&self) -> f64 {
        self.across.iter().map(|s| s.to - s.from).sum::<f64>() / self.across.len() as f64
    }
}

/// Draws boxes of these sizes, layers from above. Every edge leads from a lower number to a higher one.
fn draw(sizes: &[Point], edges: &[(usize, usize)]) -> Drawing {
    if sizes.is_empty() {
        return Drawing { paths: vec![Vec::new(); edges.len()], ..Drawing::default() };
    }
    let layer_of = layers(sizes.len(), edges);
    let mut items = Items::new(sizes, &layer_of);
    let chains: Vec<Vec<usize>> = edges.iter().map(|&(a, b)| items.chain(a, b, &layer_of)).collect();
    items.order();
    items.place(sizes).into_drawing(sizes, edges, &chains)
}

/// The layer of each box: below everything that leads to it. A box that nothing leads to is right above its first user.
fn layers(n: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut layer = vec![0usize; n];
    let mut order: Vec<(usize, usize)> = edges.to_vec();
    order.sort_unstable();
    for &(a, b) in &order {
        debug_assert!(a < b, "an edge from {a} to {b}");
        layer[b] = layer[b].max(layer[a] + 1);
    }
    let mut has_input = vec![false; n];
    let mut nearest = vec![usize::MAX; n];
    for &(a, b) in edges {
        has_input[b] = true;
        nearest[a] = nearest[a].min(layer[b]);
    }
    for i in 0..n {
        if !has_input[i] && nearest[i] != usize::MAX {
            layer[i] = nearest[i] - 1;
        }
    }
    layer
}

/// Boxes and dummies, with their neighbours in the layers above and below.
struct Items {
    width: Vec<f64>,
    layer: Vec<usize>,
    above: Vec<Vec<usize>>,
    below: Vec<Vec<usize>>,
    layers: Vec<Vec<usize>>,
    n_dummies: usize,
    x: Vec<f64>,
    y: Vec<f64>,
    height: Vec<f64>,
}

impl Items {
    fn new(sizes: &[Point], layer_of: &[usize]) -> Self {
        let n_layers = layer_of.iter().max().map_or(0, |l| l + 1);
        let mut layers = vec![Vec::new(); n_layers];
        for (i, &l) in layer_of.iter().enumerate() {
            layers[l].push(i);
        }
        let n = sizes.len();
        Self {
            width: sizes.iter().map(|s| s.0).collect(),
            layer: layer_of.to_vec(),
            above: vec![Vec::new(); n],
            below: vec![Vec::new(); n],
            layers,
            n_dummies: 0,
            x: vec![0.0; n],
            y: Vec::new(),
            height: Vec::new(),
        }
    }

    fn join(&mut self, a: usize, b: usize) {
        self.below[a].push(b);
        self.above[b].push(a);
    }

    /// The dummies of an edge, one for each layer between.
    fn chain(&mut self, a: usize, b: usize, layer_of: &[usize]) -> Vec<usize> {
        let between = layer_of[b].saturating_sub(layer_of[a] + 1);
        if self.n_dummies + between > MAX_DUMMIES {
            return Vec::new();
        }
        self.n_dummies += between;
        let mut chain = Vec::with_capacity(between);
        let mut last = a;
        for layer in layer_of[a] + 1..layer_of[b] {
            let dummy = self.width.len();
            self.width.push(6.0);
            self.layer.push(layer);
            self.above.push(Vec::new());
            self.below.push(Vec::new());
            self.x.push(0.0);
            self.layers[layer].push(dummy);
            self.join(last, dummy);
            chain.push(dummy);
            last = dummy;
        }
        self.join(last, b);
        chain
    }

    /// Orders every layer by the places of its neighbours, down and up in turns.
    fn order(&mut self) {
        let mut rank = vec![0.0; self.width.len()];
        let number = |rank: &mut Vec<f64>, layer: &[usize]| {
            for (i, &item) in layer.iter().enumerate() {
                rank[item] = i as f64;
            }
        };
        for layer in &self.layers {
            number(&mut rank, layer);
        }
        let n = self.layers.len();
        for sweep in 0..ORDER_SWEEPS {
            let down = sweep % 2 == 0;
            for step in 0..n {
                let l = if down { step } else { n - 1 - step };
                let near = if down { &self.above } else { &self.below };
                let mean = |item: usize| {
                    let list = &near[item];
                    if list.is_empty() {
                        return rank[item];
                    }
                    list.iter().map(|&o| rank[o]).sum::<f64>() / list.len() as f64
                };
                let mut keyed: Vec<(f64, usize)> = self.layers[l].iter().map(|&i| (mean(i), i)).collect();
                keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
                self.layers[l] = keyed.into_iter().map(|(_, i)| i).collect();
                number(&mut rank, &self.layers[l]);
            }
        }
    }

    /// Moves items towards the mean of their neighbours, keeping order and distance.
    fn place(mut self, sizes: &[Point]) -> Self {
        for layer in &self.layers {
            let mut x = 0.0;
            for &i in layer {
                self.x[i] = x + self.width[i] / 2.0;
                x += self.width[i] + GAP.0;
            }
        }
        let n = self.layers.len();
        for sweep in 0..PLACE_SWEEPS {
            for step in 0..n {
                let l = if sweep % 2 == 0 { step } else { n - 1 - step };
                self.settle(l, sweep);
            }
        }
        let left = (0..self.x.len()).map(|i| self.x[i] - self.width[i] / 2.0).fold(f64::INFINITY, f64::min);
        self.x.iter_mut().for_each(|x| *x -= left);
        self.height = vec![0.0; n];
        for (i, size) in sizes.iter().enumerate() {
            let l = self.layer[i];
            self.height[l] = self.height[l].max(size.1);
        }
        let mut y = 0.0;
        for height in &self.height {
            self.y.push(y);
            y += height + GAP.1;
        }
        self
    }

    fn settle(&mut self, l: usize, sweep: usize) {
        let layer = &self.layers[l];
        let wanted: Vec<f64> = layer
            .iter()
            .map(|&i| {
                let sides: [&[usize]; 2] = match sweep % 2 {
                    0 => [&self.above[i], &[]],
                    _ => [&self.below[i], &[]],
                };
                let both: [&[usize]; 2] = [&self.above[i], &self.below[i]];
                let near = if sweep + 2 >= PLACE_SWEEPS || sides[0].is_empty() { both } else { sides };
                let count = near[0].len() + near[1].len();
                if count == 0 {
                    return self.x[i];
                }
                near.iter().flat_map(|s| s.iter()).map(|&o| self.x[o]).sum::<f64>() / count as f64
            })
            .collect();
        let apart = |a: usize, b: usize| (self.width[a] + self.width[b]) / 2.0 + GAP.0;
        // Two ways to respect the distances, from the left and from the right; so does their mean.
        let (mut left, mut right) = (wanted.clone(), wanted);
        for k in 1..layer.len() {
            left[k] = left[k].max(left[k - 1] + apart(layer[k - 1], layer[k]));
        }
        for k in (0..layer.len().saturating_sub(1)).rev() {
            right[k] = right[k].min(right[k + 1] - apart(layer[k], layer[k + 1]));
        }
        for (k, &i) in self.layers[l].iter().enumerate() {
            self.x[i] = (left[k] + right[k]) / 2.0;
        }
    }

    fn into_drawing(self, sizes: &[Point], edges: &[(usize, usize)], chains: &[Vec<usize>]) -> Drawing {
        let centre = |l: usize| self.y[l] + self.height[l] / 2.0;
        let places: Vec<Point> =
            sizes.iter().enumerate().map(|(i, s)| (self.x[i] - s.0 / 2.0, centre(self.layer[i]) - s.1 / 2.0)).collect();
        let paths = edges.iter().zip(chains).map(|(&(a, b), chain)| {
            let mut path = vec![(self.x[a], places[a].1 + sizes[a].1)];
            for &d in chain {
                let l = self.layer[d];
                // Straight through a layer, bending between layers only.
                path.push((self.x[d], self.y[l]));
                path.push((self.x[d], self.y[l] + self.height[l]));
            }
            path.push((self.x[b], places[b].1));
            path
        });
        let paths = paths.collect();
        let layers = self.y.iter().zip(&self.height).map(|(y, h)| Stretch { from: *y, to: y + h }).collect();
        let right = (0..self.x.len()).map(|i| self.x[i] + self.width[i] / 2.0).fold(0.0, f64::max);
        let low = self.y.last().map_or(0.0, |y| y + self.height.last().copied().unwrap_or(0.0));
        Drawing { places, paths, size: (right, low), sideways: false, layers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithms::{Lcg, Random};

    fn overlaps(sizes: &[Point], d: &Drawing) -> usize {
        let box_of = |i: usize| (d.places[i].0, d.places[i].1, d.places[i].0 + sizes[i].0, d.places[i].1 + sizes[i].1);
        let mut n = 0;
        for a in 0..sizes.len() {
            for b in 0..a {
                let (p, q) = (box_of(a), box_of(b));
                n += usize::from(p.0 < q.2 - 1e-6 && q.0 < p.2 - 1e-6 && p.1 < q.3 - 1e-6 && q.1 < p.3 - 1e-6);
            }
        }
        n
    }

    #[test]
    fn boxes_do_not_overlap_and_edges_go_down() {
        let mut random = Lcg(1);
        let mut next = |n: usize| random.below(n);
        for n in [1usize, 2, 15, 300] {
            let sizes: Vec<Point> = (0..n).map(|_| (40.0 + next(160) as f64, 20.0 + next(30) as f64)).collect();
            let edges: Vec<(usize, usize)> =
                (1..n).flat_map(|b| [(next(b), b), (b.saturating_sub(1 + next(b)), b)]).collect();
            let d = draw(&sizes, &edges);
            let either = draw_either(&sizes, &edges, 1.7);
            assert_eq!(overlaps(&sizes, &either), 0);
            assert_eq!(overlaps(&sizes, &d), 0);
            for (path, (a, b)) in d.paths.iter().zip(&edges) {
                assert!(path.windows(2).all(|w| w[0].1 <= w[1].1), "edge {a} to {b} goes up: {path:?}");
            }
            for (i, (x, y)) in d.places.iter().enumerate() {
                assert!(
                    *x >= -1e-6 && *y >= 0.0 && x + sizes[i].0 <= d.size.0 + 1e-6 && y + sizes[i].1 <= d.size.1 + 1e-6
                );
            }
            assert_eq!(draw(&sizes, &edges).places, d.places, "the same graph has the same picture");
        }
    }

    #[test]
    fn deep_graphs_are_wrapped() {
        let n = 400;
        let sizes = vec![(80.0, 30.0); n];
        let edges: Vec<(usize, usize)> = (1..n).flat_map(|b| [(b - 1, b), (b.saturating_sub(3), b)]).collect();
        for (ratio, sideways) in [(1.7, false), (1.7, true)] {
            let sizes: Vec<Point> = sizes.iter().map(|s| if sideways { (s.1, s.0) } else { *s }).collect();
            let d = draw_either(&sizes, &edges, ratio);
            let shape = d.size.0 / d.size.1;
            assert!((0.6..4.0).contains(&shape), "{:?}", d.size);
            assert_eq!(overlaps(&sizes, &d), 0);
            assert!(d.places.iter().all(|p| p.0 >= -1e-6 && p.1 >= -1e-6 && p.0 <= d.size.0 && p.1 <= d.size.1));
        }
    }

    #[test]
    fn thousands_of_boxes_are_drawn() {
        let n = 2000;
        let sizes = vec![(80.0, 30.0); n];
        let edges: Vec<(usize, usize)> = (1..n).flat_map(|b| [(b / 2, b), (b - 1, b)]).collect();
        assert_eq!(draw(&sizes, &edges).places.len(), n);
    }
}
