//! What orders do: all four kinds of methods, and a call of another service.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jovian_runtime::{Call, Failure, Incoming, Replies};
use tokio::sync::broadcast;

use crate::orders_api::{
    GetOrderRequest, GetOrderResponse, ImportResponse, Order, OrderEvent, Orders, OrdersError,
    PlaceOrderRequest, PlaceOrderResponse, TrackRequest, TrackResponse, WatchRequest,
};
use crate::stock_api::{ReserveRequest, StockClient};

/// Answers the calls of `shop.orders.v1.Orders`.
#[derive(Debug)]
pub struct OrdersService {
    stock: StockClient,
    orders: Mutex<BTreeMap<String, Order>>,
    placed: AtomicU64,
    news: broadcast::Sender<Order>,
}

impl OrdersService {
    /// A shop without orders that takes what it sells from `stock`.
    pub fn new(stock: StockClient) -> Self {
        Self { stock, orders: Mutex::default(), placed: AtomicU64::new(0), news: broadcast::Sender::new(64) }
    }

    fn orders(&self) -> MutexGuard<'_, BTreeMap<String, Order>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an order, and tells those who watch.
    fn keep(&self, order: Order) -> Result<(), OrdersError> {
        let mut orders = self.orders();
        if orders.contains_key(&order.id) {
            return Err(OrdersError::OrderExists { id: order.id });
        }
        orders.insert(order.id.clone(), order.clone());
        // While the orders are locked, so that nobody who begins to watch sees it twice. Nobody may be watching at all.
        let _nobody_watches = self.news.send(order);
        Ok(())
    }
}

impl Orders for OrdersService {
    // The open error: `?` takes anything, and what the IDL declares stays what it is.
    type Error = Failure;

    async fn place_order(&self, _: &Call, request: PlaceOrderRequest) -> Result<PlaceOrderResponse, Failure> {
        let PlaceOrderRequest { article, pieces } = request;
        if pieces == 0 {
            return Err(OrdersError::NoPieces.into());
        }
        // This call has the deadline of the one that is answered here. If the stock says OUT_OF_STOCK, so does this service.
        let reserved = self.stock.reserve(ReserveRequest { article: article.clone(), pieces }).await?;
        let id = (self.placed.fetch_add(1, Ordering::Relaxed) + 1).to_string();
        let order = Order { id, article, pieces, price: reserved.price };
        self.keep(order.clone())?;
        Ok(PlaceOrderResponse { order: Some(order) })
    }

    async fn get_order(&self, _: &Call, request: GetOrderRequest) -> Result<GetOrderResponse, Failure> {
        match self.orders().get(&request.id) {
            Some(order) => Ok(GetOrderResponse { order: Some(order.clone()) }),
            None => Err(OrdersError::OrderNotFound { id: request.id }.into()),
        }
    }

    async fn import(&self, _: &Call, requests: &mut Incoming<Order>) -> Result<ImportResponse, Failure> {
        let mut taken = 0;
        while let Some(order) = requests.next().await {
            self.keep(order)?;
            taken += 1;
        }
        Ok(ImportResponse { taken })
    }

    async fn watch(
        &self,
        _: &Call,
        request: WatchRequest,
        out: &mut Replies<OrderEvent>,
    ) -> Result<(), Failure> {
        let (known, mut news) = {
            let orders = self.orders();
            (orders.values().cloned().collect::<Vec<_>>(), self.news.subscribe())
        };
        for order in known {
            out.send(OrderEvent { order: Some(order) }).await;
        }
        if request.once {
            return Ok(());
        }
        // A watcher who is 64 orders late is sent away, and can begin anew. One who leaves drops this where it waits.
        loop {
            out.send(OrderEvent { order: Some(news.recv().await?) }).await;
        }
    }

    async fn track(
        &self,
        _: &Call,
        requests: &mut Incoming<TrackRequest>,
        out: &mut Replies<TrackResponse>,
    ) -> Result<(), Failure> {
        while let Some(TrackRequest { id }) = requests.next().await {
            let known = self.orders().contains_key(&id);
            out.send(TrackResponse { id, known }).await;
        }
        Ok(())
    }
}
