//! lazurite: a lazy array engine.
