//! What the IDL says of a service, as a `static`.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use super::{docs, path};
use crate::plan::{Idempotency, Method, Package, Service, Shape};

pub(super) fn item(service: &Service) -> TokenStream {
    let Service { wire, constant, methods, .. } = service;
    let constant = path(constant);
    let doc =
        docs([format!("What the IDL says of `{wire}`: its names, its methods and their policies.").as_str()]);
    let app = service.app.iter();
    let methods = methods.iter().map(method);
    quote! {
        #doc
        pub static #constant: __jovian::Service = __jovian::Service::new(#wire, &[#(#methods),*])
            #(.app(#app))*
            .descriptors(FILE_DESCRIPTOR_SET);
    }
}

fn method(method: &Method) -> TokenStream {
    let Method { route, shape, idempotency, timeout_ms, .. } = method;
    let index = Literal::usize_unsuffixed(method.index);
    let kind = match shape {
        Shape::Unary => format_ident!("Unary"),
        Shape::ClientStream => format_ident!("ClientStream"),
        Shape::ServerStream => format_ident!("ServerStream"),
        Shape::Bidi => format_ident!("Bidi"),
    };
    let idempotency = match idempotency {
        Idempotency::Unknown => TokenStream::new(),
        Idempotency::Idempotent => quote!(.idempotency(__jovian::Idempotency::Idempotent)),
        Idempotency::NoSideEffects => quote!(.idempotency(__jovian::Idempotency::NoSideEffects)),
    };
    let timeout = timeout_ms.iter().map(|ms| Literal::u64_unsuffixed(*ms));
    quote! {
        __jovian::Method::new(#route, #index, __jovian::Kind::#kind) #(.timeout_ms(#timeout))* #idempotency
    }
}

/// The descriptors that reflection answers with, as text: they are long, and one token.
pub(super) fn set(package: &Package) -> String {
    if package.descriptor_set.is_empty() {
        return String::new();
    }
    let bytes = Literal::byte_string(&package.descriptor_set);
    format!(
        "
/// The IDL of this package's services and all that it imports, as an encoded `google.protobuf.FileDescriptorSet`
/// without protobuf's own files.
pub const FILE_DESCRIPTOR_SET: &[u8] = {bytes};
"
    )
}
