//! Lines of log at little cost: a call may end with one.
//!
//! In: events and spans of `tracing`. Out: lines on standard output. [`JsonLines`] makes an object of each event;
//! [`Out`] writes lines, many at once where many come. What is logged from which level on is the business of whoever puts
//! them together: [`App::run`](crate::App::run), or a program with more layers than these.

mod fields;
mod json;
mod out;

pub use json::JsonLines;
pub use out::{Line, Out};
