//! The trait that a person implements, and the server that serves it.

use proc_macro2::TokenStream;
use quote::quote;

use super::{docs, docs_and, path};
use crate::plan::{Method, Service, Shape};

pub(super) fn items(service: &Service) -> TokenStream {
    if !service.has_server {
        return TokenStream::new();
    }
    let service_trait = service_trait(service);
    let server = server(service);
    quote!(#service_trait #server)
}

fn service_trait(service: &Service) -> TokenStream {
    let doc = docs_and(&service.docs, &format!("The service `{}`.", service.wire));
    let name = path(&service.name);
    let methods = service.methods.iter().map(trait_method);
    let error_doc = match service.has_errors {
        true => format!(
            " What a call may fail with: [`{}`], an error of your own, or `jovian_runtime::Failure`,",
            service.error
        ),
        false => " What a call may fail with: an error of your own, or `jovian_runtime::Failure`,".to_owned(),
    };
    let attributes = service.trait_attributes.iter().map(|attribute| path(attribute));
    quote! {
        #doc
        #(#attributes)*
        pub trait #name: ::core::marker::Send + ::core::marker::Sync + 'static {
            #[doc = #error_doc]
            /// which takes `?` from anything.
            type Error: __jovian::IntoFailure;
            #(#methods)*
        }
    }
}

fn trait_method(method: &Method) -> TokenStream {
    let doc = docs_and(&method.docs, &format!("Answers `{}`.", method.route));
    let (name, request, reply) = (path(&method.name), path(&method.request), path(&method.reply));
    let (arguments, output) = match method.shape {
        Shape::Unary => (quote!(request: #request), quote!(#reply)),
        Shape::ClientStream => (quote!(requests: &mut __jovian::Incoming<#request>), quote!(#reply)),
        Shape::ServerStream => (quote!(request: #request, out: &mut __jovian::Replies<#reply>), quote!(())),
        Shape::Bidi => (
            quote!(requests: &mut __jovian::Incoming<#request>, out: &mut __jovian::Replies<#reply>),
            quote!(()),
        ),
    };
    quote! {
        #doc
        fn #name(&self, call: &__jovian::Call, #arguments)
            -> impl ::core::future::Future<Output = ::core::result::Result<#output, Self::Error>> + ::core::marker::Send;
    }
}

fn server(service: &Service) -> TokenStream {
    let Service { wire, name, server, constant, error, .. } = service;
    let doc = docs([format!("Serves an implementation of [`{name}`] as `{wire}`.").as_str()]);
    let (name, server, constant, error) = (path(name), path(server), path(constant), path(error));
    let rows = service.methods.iter().map(|method| row(&name, method));
    let attributes = service.server_attributes.iter().map(|attribute| path(attribute));
    quote! {
        #doc
        #(#attributes)*
        #[derive(Clone, Debug)]
        pub struct #server(__jovian::BoundService);

        impl #server {
            /// Serves `service`.
            pub fn new<__S: #name>(service: __S) -> Self {
                Self(__jovian::BoundService::new::<__S, #error>(&#constant, service, const { &[#(#rows),*] }))
            }

            /// Puts an interceptor around every call of this service; the first one added is the outermost.
            #[must_use]
            pub fn intercept(self, interceptor: impl __jovian::Interceptor) -> Self {
                Self(self.0.intercept(interceptor))
            }
        }

        impl ::core::convert::From<#server> for __jovian::BoundService {
            fn from(server: #server) -> Self {
                server.0
            }
        }
    }
}

/// The row of a method in the table of handlers: all that is compiled for each method on the server.
fn row(service: &TokenStream, method: &Method) -> TokenStream {
    let name = path(&method.name);
    match method.shape {
        Shape::Unary => quote! {
            |service, call, mut io| __jovian::boxed(async move {
                let reply = <__S as #service>::#name(service, call, io.request().await?).await;
                io.reply(reply)
            })
        },
        Shape::ClientStream => quote! {
            |service, call, mut io| __jovian::boxed(async move {
                let reply = <__S as #service>::#name(service, call, &mut io.requests()).await;
                io.reply(reply)
            })
        },
        Shape::ServerStream => quote! {
            |service, call, mut io| __jovian::boxed(async move {
                __jovian::finish(
                    <__S as #service>::#name(service, call, io.request().await?, &mut io.replies()).await,
                )
            })
        },
        Shape::Bidi => quote! {
            |service, call, mut io| __jovian::boxed(async move {
                let (mut requests, mut replies) = io.split();
                __jovian::finish(<__S as #service>::#name(service, call, &mut requests, &mut replies).await)
            })
        },
    }
}
