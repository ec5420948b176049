//! What the service does: your code.
//!
//! The trait `v1::Orders` is generated from the IDL. When the IDL changes, run `jovian gen`; the compiler then says which
//! methods are missing here.

use std::collections::BTreeMap;

use jovian_runtime::{Call, Replies};

use crate::v1;

/// Answers the calls of `shop.orders.v1.Orders`.
///
/// A start that works: it knows one order, held in memory. Put what you really have in place of the map.
#[derive(Clone, Debug)]
pub struct OrdersService {
    by_id: BTreeMap<String, v1::Order>,
}

impl Default for OrdersService {
    fn default() -> Self {
        let first = v1::Order { id: "1".to_owned(), name: "the first order".to_owned() };
        Self { by_id: BTreeMap::from([(first.id.clone(), first)]) }
    }
}

impl v1::Orders for OrdersService {
    // The errors of the IDL. `jovian_runtime::Failure` would take `?` from any error, too.
    type Error = v1::OrdersError;

    async fn get_order(
        &self,
        _call: &Call, // who calls, until when, with which metadata
        request: v1::GetOrderRequest,
    ) -> Result<v1::GetOrderResponse, Self::Error> {
        if request.id.is_empty() {
            return Err(v1::OrdersError::OrderIdMissing);
        }
        match self.by_id.get(&request.id) {
            Some(found) => Ok(v1::GetOrderResponse { order: Some(found.clone()) }),
            None => Err(v1::OrdersError::OrderNotFound { id: request.id }),
        }
    }

    async fn watch(
        &self,
        _call: &Call,
        request: v1::WatchRequest,
        out: &mut Replies<v1::OrderEvent>, // sending waits while the caller is slow
    ) -> Result<(), Self::Error> {
        let limit = match request.limit {
            0 => usize::MAX,
            limit => limit as usize,
        };
        // It tells what there is and ends. A real one goes on until the caller leaves, which drops it where it waits.
        for found in self.by_id.values().take(limit) {
            let event = v1::OrderEvent { order: Some(found.clone()) };
            out.send(event).await;
        }
        Ok(())
    }
}
