//! What a person needs to build and to read streams, so that a crate with handlers needs no further dependency.
//!
//! ```
//! use jovian_runtime::stream::{self, StreamExt};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let doubled: Vec<i32> = stream::iter([1, 2]).map(|n| n * 2).collect().await;
//! assert_eq!(doubled, [2, 4]);
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

pub use futures_core::Stream;
pub use futures_util::stream::{
    BoxStream, StreamExt, TryStreamExt, empty, iter, once, pending, poll_fn, unfold,
};
