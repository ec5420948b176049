//! What there is: the errors of the handler are those of the IDL.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jovian_runtime::Call;

use crate::common_api::Money;
use crate::stock_api::{ReserveRequest, ReserveResponse, Stock, StockError};

/// Answers the calls of `shop.stock.v1.Stock`.
#[derive(Debug)]
pub struct StockService {
    shelves: Mutex<BTreeMap<String, Shelf>>,
}

#[derive(Debug)]
struct Shelf {
    pieces: u32,
    /// In cents, of one piece.
    price: i64,
}

impl Default for StockService {
    fn default() -> Self {
        let lamps = Shelf { pieces: 3, price: 4_900 };
        Self { shelves: Mutex::new(BTreeMap::from([("lamp".to_owned(), lamps)])) }
    }
}

impl Stock for StockService {
    type Error = StockError;

    async fn reserve(&self, _: &Call, request: ReserveRequest) -> Result<ReserveResponse, StockError> {
        let ReserveRequest { article, pieces } = request;
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(shelf) = shelves.get_mut(&article) else {
            return Err(StockError::UnknownArticle { article });
        };
        let Some(left) = shelf.pieces.checked_sub(pieces) else {
            return Err(StockError::OutOfStock { article, left: shelf.pieces.to_string() });
        };
        shelf.pieces = left;
        let price = Money { currency: "EUR".to_owned(), amount: shelf.price * i64::from(pieces) };
        Ok(ReserveResponse { price: Some(price) })
    }
}
