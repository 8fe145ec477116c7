//! The pipeline on one screen: snapshot, plan, schedule, lower, run, publish; with the plan cache and the explanation of a run.
