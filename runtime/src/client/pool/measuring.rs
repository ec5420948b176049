//! What a choice costs, for the benchmark of this project.

use std::sync::Arc;

use tonic::Code;

use super::set::Set;
use super::settings::Settings;
use crate::call::Call;
use crate::client::BalancingSection;
use crate::client::balancing::Balancing;
use crate::descriptor::{Kind, Method};
use crate::net::ClientConnectionSection;
use crate::registry::Instance;

static METHOD: Method = Method::new("/a.B/C", 0, Kind::Unary);

/// Chooses among instances, as a call with this key does that is answered at once; whether there was one. Nothing, if the
/// section cannot be meant.
pub fn picks(list: &[Arc<Instance>], balancing: &BalancingSection) -> Option<impl Fn(u64) -> bool + use<>> {
    let balancing = Balancing::of(balancing.clone().into()).ok()?;
    let settings = Settings::new(&ClientConnectionSection::default(), None, balancing).ok()?;
    let set = Set::default().changed(list, &settings, true);
    Some(move |key| {
        let Some(mut ticket) = set.pick(&Call::new(&METHOD).keyed(Some(key))) else { return false };
        ticket.begin();
        ticket.answered(Some(Code::Ok));
        true
    })
}
