//! What Jovian generates for the protocols that every server speaks.
//!
//! In: `proto/` of this crate. Out: messages, traits, servers and clients, as in anybody's service.

/// `grpc`
pub mod grpc {
    /// `grpc.health`
    pub mod health {
        /// `grpc.health.v1`: can it take calls?
        pub mod v1 {
            include!("grpc.health.v1.rs");
        }
    }
    /// `grpc.reflection`
    pub mod reflection {
        /// `grpc.reflection.v1`: what does it serve?
        pub mod v1 {
            include!("grpc.reflection.v1.rs");
        }
        /// `grpc.reflection.v1alpha`: the same under its old name.
        pub mod v1alpha {
            include!("grpc.reflection.v1alpha.rs");
        }
    }
}
