//! What Jovian makes of `proto/`: [`probe`] is the service that every program of the fleet serves and calls, [`absent`] one that nobody
//! serves, [`kratos`] and [`jupiter`] are errors that are declared as those frameworks declare them.

/// The generated code, as a module tree that follows the packages.
pub mod generated {
    include!(concat!(env!("OUT_DIR"), "/mod.rs"));
}
pub use generated::interop::absent::v1 as absent;
pub use generated::interop::jupiter::v1 as jupiter;
pub use generated::interop::kratos::v1 as kratos;
pub use generated::interop::probe::v1 as probe;
