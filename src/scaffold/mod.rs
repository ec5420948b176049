//! Skeletons.
