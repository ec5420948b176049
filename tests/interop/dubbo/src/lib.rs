//! What Jovian makes of `proto/`: a Greeter whose Java interface is its name in the IDL ([`plain`]), and one whose is not
//! ([`split`]); and of `rust-proto/`, which programs in Java do not have.

/// The generated code, as a module tree that follows the packages.
pub mod generated {
    include!(concat!(env!("OUT_DIR"), "/mod.rs"));
}
pub use generated::interop::greeter::v1 as plain;
pub use generated::interop::later::v1 as later;
pub use generated::interop::objects::v1 as objects;
pub use generated::interop::split::v1 as split;
pub use generated::org::apache::dubbo::metadata;
