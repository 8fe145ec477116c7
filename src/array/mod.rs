//! The user's handle: arrays that record what is to be computed.
