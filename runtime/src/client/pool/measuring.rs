//! What a choice costs, and a list, for the benchmark of this project.

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

/// Makes what choices need of a list, as a client does when one of its instances has changed; the rest is known.
pub fn lists(list: &[Arc<Instance>], balancing: &BalancingSection) -> Option<impl FnMut() + use<>> {
    let settings = settings(balancing)?;
    let list = list.to_vec();
    let mut set = Set::default().changed(&list, &settings, true);
    Some(move || set = set.changed(&list, &settings, true))
}

fn settings(balancing: &BalancingSection) -> Option<Settings> {
    let balancing = Balancing::of(balancing.clone().into()).ok()?;
    Settings::new(&ClientConnectionSection::default(), None, balancing).ok()
}

/// Chooses among instances, as a call with this key does that is answered at once; whether there was one. Nothing, if the
/// section cannot be meant.
pub fn picks(list: &[Arc<Instance>], balancing: &BalancingSection) -> Option<impl Fn(u64) -> bool + use<>> {
    let set = Set::default().changed(list, &settings(balancing)?, true);
    Some(move |key| {
        let Some(mut ticket) = set.pick(&Call::new(&METHOD).keyed(Some(key))) else { return false };
        ticket.begin();
        ticket.answered(Some(Code::Ok));
        true
    })
}
