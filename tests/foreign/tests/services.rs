//! Every service of the IDL is there: its trait, its server, its client, its table of methods.

use jovian_runtime::{Kind, Service};
use jovian_tests_foreign::crates;

/// That a package has a service of this name, with these methods.
macro_rules! service {
    ($($module:ident)::+, $trait:ident, $server:ident, $client:ident, $constant:ident, [$($method:literal $kind:ident),+]) => {{
        use $($module)::+ as package;

        fn served<S: package::$trait>(service: S) -> package::$server {
            package::$server::new(service)
        }
        // Named, so that they exist; implementing each trait would say no more.
        let _ = served::<Never<package::$client>> as *const ();
        check(&package::$constant, &[$(($method, Kind::$kind)),+]);
    }};
}
