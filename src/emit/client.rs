//! The client of a service.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::{docs, docs_and, path};
use crate::plan::{Method, Service, Shape};

pub(super) fn items(service: &Service) -> TokenStream {
    if !service.has_client {
        return TokenStream::new();
    }
    let Service { wire, name, server, client, constant, error, methods, .. } = service;
    let doc = docs([format!("Calls `{wire}`. Cheap to clone; clones share their connections.").as_str()]);
    let (name, server, client) = (path(name), path(server), path(client));
    let (constant, error) = (path(constant), path(error));
    let local = service.has_server.then(|| {
        quote! {
            /// Calls `service` in this process, through the same stack as over the network.
            pub fn local(service: impl #name) -> Self {
                Self(__jovian::Client::local(#server::new(service)))
            }
        }
    });
    let methods = methods.iter().map(|method| call(&constant, &error, method));
    let deprecated = super::deprecated(service.deprecated);
    let attributes = service.client_attributes.iter().map(|attribute| path(attribute));
    quote! {
        #doc
        #deprecated
        #(#attributes)*
        #[derive(Clone, Debug)]
        pub struct #client(__jovian::Client);

        impl #client {
            /// Finds the service by its application, through the registry of `app`.
            ///
            /// # Errors
            /// When no discovery is possible here: no registry is configured, or no runtime is running.
            pub fn discover(app: &__jovian::App) -> ::core::result::Result<Self, __jovian::ConnectError> {
                __jovian::Client::discover::<#error>(&#constant, app).map(Self)
            }

            /// Calls the service at `target`, such as `http://127.0.0.1:9000`; connects with the first call.
            ///
            /// # Errors
            /// When `target` is no address.
            pub fn connect(target: &str) -> ::core::result::Result<Self, __jovian::ConnectError> {
                __jovian::Client::connect::<#error>(&#constant, target).map(Self)
            }

            #local

            /// Puts an interceptor around every call of this client; the first one added is the outermost.
            #[must_use]
            pub fn intercept(self, interceptor: impl __jovian::Interceptor) -> Self {
                Self(self.0.intercept(interceptor))
            }

            /// A client whose calls have these options.
            #[must_use]
            pub fn with(&self, options: __jovian::CallOptions) -> Self {
                Self(self.0.with(options))
            }

            /// A client whose calls are part of `call`, whatever call is running here.
            #[must_use]
            pub fn under(&self, call: &__jovian::Call) -> Self {
                Self(self.0.under(call))
            }

            #(#methods)*
        }
    }
}

fn call(constant: &TokenStream, error: &TokenStream, method: &Method) -> TokenStream {
    let doc = docs_and(&method.docs, &format!("Calls `{}`.", method.route));
    let deprecated = super::deprecated(method.deprecated);
    let (name, request, reply) = (path(&method.client_name), path(&method.request), path(&method.reply));
    let index = Literal::usize_unsuffixed(method.index);
    let one = quote!(request: #request);
    let many = quote!(requests: impl __jovian::Stream<Item = #request> + ::core::marker::Send + 'static);
    let stream = quote!(__jovian::ReplyStream<#reply, #error>);
    let (argument, output, call) = match method.shape {
        Shape::Unary => (one, reply, quote!(unary(&#constant.methods[#index], request))),
        Shape::ClientStream => (many, reply, quote!(client_stream(&#constant.methods[#index], requests))),
        Shape::ServerStream => (one, stream, quote!(server_stream(&#constant.methods[#index], request))),
        Shape::Bidi => (many, stream, quote!(bidi(&#constant.methods[#index], requests))),
    };
    quote! {
        #doc
        #deprecated
        pub async fn #name(&self, #argument) -> ::core::result::Result<#output, __jovian::CallError<#error>> {
            self.0.#call.await
        }
    }
}
