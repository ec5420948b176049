//! A shop: `shop.orders.v1.Orders` calls `shop.stock.v1.Stock`, which it finds through the registry.

/// Generated from `proto/` by `jovian gen`, never edited; rustfmt leaves it as it is.
#[rustfmt::skip]
pub mod generated;
mod orders;
mod stock;

pub use generated::shop::common::v1 as common_api;
pub use generated::shop::orders::v1 as orders_api;
pub use generated::shop::stock::v1 as stock_api;
pub use orders::OrdersService;
pub use stock::StockService;

use jovian_runtime::{App, ConnectError};

/// Serves orders in `app`. Of the stock they know only what the registry says.
pub fn serve_orders(app: App) -> Result<App, ConnectError> {
    let stock = stock_api::StockClient::discover(&app)?;
    Ok(app.serve(orders_api::OrdersServer::new(OrdersService::new(stock))))
}

/// Serves the stock in `app`.
pub fn serve_stock(app: App) -> App {
    app.serve(stock_api::StockServer::new(StockService::default()))
}
