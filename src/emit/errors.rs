//! The errors of a domain.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use super::{docs, docs_and, path};
use crate::plan::{ErrorEnum, Variant};

pub(super) fn items(errors: &ErrorEnum) -> TokenStream {
    let ErrorEnum { domain, variants, .. } = errors;
    let doc = docs_and(&errors.docs, &format!("The errors of `{domain}`."));
    let name = path(&errors.name);
    let declared = variants.iter().map(declared);
    let codes = variants.iter().map(code);
    let parts = variants.iter().enumerate().map(|(index, variant)| parts(variant, index));
    let known = variants.iter().map(known);
    let (reason, from_parts) = match variants.is_empty() {
        // Nothing would be left to match.
        true => (quote!(_), quote!(::core::option::Option::None)),
        false => (
            quote!(reason),
            quote! {
                ::core::option::Option::Some(match reason {
                    #(#known,)*
                    _ => return ::core::option::Option::None,
                })
            },
        ),
    };
    let fields =
        if variants.iter().all(|variant| variant.fields.is_empty()) { quote!(_) } else { quote!(fields) };
    quote! {
        #doc
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum #name {
            #(#declared,)*
            /// An error that this version of the IDL does not know. Servers never make one.
            Unknown(__jovian::UnknownError),
        }

        impl __jovian::DomainError for #name {
            const DOMAIN: &'static str = #domain;
            const CODES: &'static [__jovian::ErrorCode] = &[#(#codes),*];

            fn parts(&self) -> __jovian::ErrorParts<'_> {
                match self {
                    #(#parts,)*
                    Self::Unknown(unknown) => __jovian::ErrorParts::unknown(unknown),
                }
            }

            fn from_parts(#reason: &str, #fields: &mut __jovian::ErrorFields) -> ::core::option::Option<Self> {
                #from_parts
            }

            fn from_unknown(unknown: __jovian::UnknownError) -> Self {
                Self::Unknown(unknown)
            }
        }

        impl ::core::fmt::Display for #name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                __jovian::display_error(self, f)
            }
        }

        impl ::core::error::Error for #name {}

        impl __jovian::IntoFailure for #name {
            fn into_failure(self) -> __jovian::Failure {
                __jovian::domain_failure(self)
            }
        }
    }
}

fn declared(variant: &Variant) -> TokenStream {
    let doc = docs_and(&variant.docs, &format!("Reason `{}`.", variant.wire));
    let name = path(&variant.name);
    if variant.fields.is_empty() {
        return quote!(#doc #name);
    }
    let fields = variant.fields.iter().map(|(wire, field)| {
        let doc = docs([format!("Fills `{{{wire}}}` of the message.").as_str()]);
        let field = path(field);
        quote!(#doc #field: ::std::string::String)
    });
    quote!(#doc #name { #(#fields),* })
}

fn code(variant: &Variant) -> TokenStream {
    let Variant { wire, message, .. } = variant;
    let number = Literal::i32_unsuffixed(variant.number);
    let code = format_ident!("{}", variant.code);
    let message = (!message.is_empty()).then(|| quote!(.message(#message)));
    let http = variant.http.map(Literal::u16_unsuffixed).map(|http| quote!(.http(#http)));
    let retryable = variant.retryable.then(|| quote!(.retryable()));
    quote!(__jovian::ErrorCode::new(#number, #wire, __jovian::Code::#code) #message #http #retryable)
}

fn parts(variant: &Variant, index: usize) -> TokenStream {
    let name = path(&variant.name);
    let index = Literal::usize_unsuffixed(index);
    let fields: Vec<TokenStream> = variant.fields.iter().map(|(_, field)| path(field)).collect();
    let pattern = if fields.is_empty() { quote!(Self::#name) } else { quote!(Self::#name { #(#fields),* }) };
    let pairs = variant.fields.iter().zip(&fields).map(|((wire, _), field)| quote!((#wire, #field.as_str())));
    quote!(#pattern => __jovian::ErrorParts::known(&Self::CODES[#index], [#(#pairs),*]))
}

fn known(variant: &Variant) -> TokenStream {
    let Variant { wire, fields, .. } = variant;
    let name = path(&variant.name);
    if fields.is_empty() {
        return quote!(#wire => Self::#name);
    }
    let fields = fields.iter().map(|(wire, field)| {
        let field = path(field);
        quote!(#field: fields.take(#wire))
    });
    quote!(#wire => Self::#name { #(#fields),* })
}
