//! Selections by cost from the leaves up: Knuth's generalisation of Dijkstra's algorithm ("A generalization of Dijkstra's
//! algorithm", 1977).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::cost_graph::{CostGraph, NONE, Selection};

/// For each class the alternative with the least own cost plus that of its needs, joined by `together` (their maximum or their
/// sum), found in the order of cost.
pub(super) fn cheapest_selection(graph: &CostGraph, together: impl Fn(f64, f64) -> f64) -> Selection {
    let n = graph.n_classes();
    let mut open = OpenNeeds::of(graph);
    let mut heap = BinaryHeap::new();
    for class in 0..n as u32 {
        for (i, place) in graph.range(class).enumerate() {
            if open.count[place] == 0 {
                heap.push(Reverse((key(graph.alternative(place).own), class, i as u32)));
            }
        }
    }
    let mut best = vec![NONE; n];
    let mut cost = vec![f64::INFINITY; n];
    while let Some(Reverse((_, class, i))) = heap.pop() {
        if best[class as usize] != NONE {
            continue;
        }
        best[class as usize] = i;
        let below = |needs: &[u32]| needs.iter().map(|&d| cost[d as usize]).fold(0.0, &together);
        let chosen = &graph.alternatives(class)[i as usize];
        cost[class as usize] = chosen.own + below(graph.needs(chosen));
        for &place in &open.users[class as usize] {
            let (place, user) = (place as usize, open.class_of[place as usize]);
            open.count[place] -= 1;
            if open.count[place] == 0 && best[user as usize] == NONE {
                let alternative = graph.alternative(place);
                let below = graph.needs(alternative).iter().map(|&d| cost[d as usize]).fold(0.0, &together);
                let i = place - graph.range(user).start;
                heap.push(Reverse((key(alternative.own + below), user, i as u32)));
            }
        }
    }
    best
}

/// Alternatives, by their places among those of all classes, that wait for the classes they need.
struct OpenNeeds {
    /// How many of its needs have no cost yet.
    count: Vec<u32>,
    class_of: Vec<u32>,
    /// By class: the alternatives that need it.
    users: Vec<Vec<u32>>,
}

impl OpenNeeds {
    fn of(graph: &CostGraph) -> Self {
        let n = graph.n_alternatives();
        let mut open = Self { count: vec![0; n], class_of: vec![0; n], users: vec![Vec::new(); graph.n_classes()] };
        for class in 0..graph.n_classes() as u32 {
            for place in graph.range(class) {
                let needs = graph.needs(graph.alternative(place));
                open.class_of[place] = class;
                open.count[place] = needs.len() as u32;
                needs.iter().for_each(|&need| open.users[need as usize].push(place as u32));
            }
        }
        open
    }
}

/// Costs as whole hundredths of a nanosecond, which have a total order.
fn key(cost: f64) -> u64 {
    (cost * 100.0).min(9e18) as u64
}
