//! `shop.orders.v1.Orders`: the service and its client.

/// Generated from `proto/` by `jovian gen`, never edited; rustfmt leaves it as it is.
#[rustfmt::skip]
pub mod generated;
mod service;

pub use generated::shop::orders::v1;
pub use service::OrdersService;
