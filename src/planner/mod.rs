//! The planner: rewrites a graph by rules kept as data, in an e-graph, and picks the cheapest equal one.
//!
//! In goes a [`Graph`](crate::graph::Graph) and a cost table; out comes a graph of the same roots, with the rules that fired.
//! It knows no device, no kernel text and no buffer. Planning cannot fail: out of budget gives the input back.
