//! Tests of views: every composition over small shapes against index arithmetic done by hand.

use super::*;

fn read(view: &View) -> Vec<i64> {
    let n = view.shape().len();
    let mut out = Vec::with_capacity(n);
    let mut coords = vec![0; view.shape().rank()];
    for _ in 0..n {
        out.push(view.index(&coords));
        for axis in (0..coords.len()).rev() {
            coords[axis] += 1;
            if coords[axis] < view.shape()[axis] {
                break;
            }
            coords[axis] = 0;
        }
    }
    out
}

/// Every composition that is offered must read what the two views read one after the other.
fn check(outer: &View, inner: &View) -> bool {
    let Some(both) = outer.through(inner) else { return false };
    let inner_reads = read(inner);
    let expected: Vec<i64> = read(outer).iter().map(|&i| inner_reads[i as usize]).collect();
    assert_eq!(read(&both), expected, "{outer} through {inner} gave {both}");
    true
}

#[test]
fn transposes_slices_and_flips_compose() {
    let base = View::dense(&Shape::new(&[4, 6]));
    let t = base.permute(&[1, 0]).unwrap();
    let over = View::dense(t.shape());
    assert!(check(&over, &t));
    assert!(check(&over.permute(&[1, 0]).unwrap(), &t));
    assert!(check(&over.flip(0).unwrap().slice(1, 1, 2, 2).unwrap(), &t));
    assert!(check(&over.diagonal().unwrap(), &t.flip(1).unwrap()));
}

#[test]
fn reshapes_compose_where_strides_can() {
    let base = View::dense(&Shape::new(&[4, 6]));
    let flat = View::dense(&Shape::new(&[24]));
    assert!(check(&flat, &base));
    assert!(!check(&flat, &base.permute(&[1, 0]).unwrap()));

    let rows = base.slice(0, 1, 1, 2).unwrap();
    assert!(check(&View::dense(&Shape::new(&[3, 4])), &rows));
    assert_eq!(
        base.permute(&[1, 0]).unwrap().reshape(&Shape::new(&[24]), Order::F).unwrap().map(|v| read(&v)),
        Some((0..24).collect())
    );
}

#[test]
fn every_composition_over_small_shapes_is_right() {
    let mut composed = 0;
    for dims in [[2usize, 3, 4], [1, 3, 2], [3, 1, 5], [2, 2, 2]] {
        let base = View::dense(&Shape::new(&dims));
        for axes in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [0, 2, 1]] {
            let p = base.permute(&axes).unwrap();
            for flip in 0..4 {
                let inner = if flip < 3 { p.flip(flip).unwrap() } else { p.clone() };
                let n = inner.shape().len();
                for outer_dims in [vec![n], vec![inner.shape()[0], n / inner.shape()[0]], inner.shape().to_vec()] {
                    let outer = View::dense(&Shape::new(&outer_dims));
                    let rank = outer.shape().rank();
                    for axis in 0..rank {
                        composed += usize::from(check(&outer.flip(axis).unwrap(), &inner));
                        let half = outer.shape()[axis].div_ceil(2);
                        composed += usize::from(check(&outer.slice(axis, 0, 2, half).unwrap(), &inner));
                    }
                    if rank > 1 {
                        composed += usize::from(check(&outer.diagonal().unwrap(), &inner));
                        composed += usize::from(check(&outer.flip(rank - 1).unwrap().diagonal().unwrap(), &inner));
                    }
                }
            }
        }
    }
    assert!(composed > 500, "only {composed} compositions were offered");
}

#[test]
fn empty_and_scalar_views_work() {
    let empty = View::dense(&Shape::new(&[0, 3]));
    assert!(empty.fits(0) && empty.is_dense());
    assert!(View::dense(&Shape::scalar()).broadcast_to(&Shape::new(&[2, 2])).unwrap().fits(1));
    assert!(!View::dense(&Shape::new(&[3])).fits(2));
    assert!(View::dense(&Shape::new(&[0])).flip(0).is_ok());
}
