//! Where calls go, in simulated time: endpoints that take as long as they are told to, and the choice as it is.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tonic::Code;
use tonic::metadata::MetadataMap;

use super::endpoint::Endpoint;
use super::set::{Member, Set};
use super::settings::Settings;
use crate::call::{Call, now};
use crate::descriptor::{Kind, Method};
use crate::net::{ClientConnectionSection, Peer};

static METHOD: Method = Method::new("/a.B/C", 0, Kind::Unary);

fn members(weights: &[u32]) -> Vec<Member> {
    let settings = Settings::new(&ClientConnectionSection::default(), None).unwrap();
    let member = |(index, weight): (usize, &u32)| {
        let endpoint = Endpoint::new(format!("10.1.0.{index}:9000").parse().unwrap(), &settings);
        Member { endpoint, weight: *weight }
    };
    weights.iter().enumerate().map(member).collect()
}

/// Sends a call each millisecond to endpoints of these weights, which take so long. How many calls each got.
fn simulate(weights: &[u32], calls: usize, took: impl Fn(usize) -> Duration) -> Vec<usize> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let set = Set::empty().changed(members(weights));
        let mut got = vec![0; weights.len()];
        let mut running = JoinSet::new();
        for _ in 0..calls {
            let mut ticket = set.pick(&Call::new(&METHOD)).unwrap();
            let is_it = |member: &Member| Arc::ptr_eq(&member.endpoint, ticket.endpoint());
            let index = set.members().iter().position(is_it).unwrap();
            got[index] += 1;
            let took = took(index);
            running.spawn(async move {
                ticket.begin();
                sleep(took).await;
                ticket.answered(Some(Code::Ok));
            });
            sleep(Duration::from_millis(1)).await;
        }
        running.join_all().await;
        assert!(set.members().iter().all(|member| member.endpoint.is_idle()), "every call is counted out");
        got
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn equal_endpoints_share_by_weight(
        weights in prop::collection::vec(20_u32..200, 2..9),
        millis in 1_u64..60,
    ) {
        const CALLS: usize = 3000;
        let got = simulate(&weights, CALLS, |_| Duration::from_millis(millis));
        let total: u32 = weights.iter().sum();
        for (count, weight) in got.iter().zip(&weights) {
            let fair = CALLS as f64 * f64::from(*weight) / f64::from(total);
            let error = (*count as f64 - fair).abs();
            prop_assert!(error < 0.2 * fair + 4.0 * fair.sqrt(), "{weights:?} got {got:?}");
        }
    }

    #[test]
    fn a_slow_endpoint_gets_much_less_and_not_nothing(count in 3_usize..8, slowness in 5_u32..20) {
        const CALLS: usize = 4000;
        let normal = Duration::from_millis(20);
        let got = simulate(&vec![100; count], CALLS, |index| if index == 0 { normal * slowness } else { normal });
        let fair = CALLS / count;
        prop_assert!(got[0] > 0 && got[0] < fair / 3, "{got:?}");
        let least = fair * 4 / 5;
        prop_assert!(got[1..].iter().all(|others| *others > least), "the others share the rest: {got:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_never_answers_is_left_alone() {
    let set = Set::empty().changed(members(&[100, 100, 100]));
    let mut waited = 0;
    for _ in 0..5000 {
        let deadline = Duration::from_millis(100);
        let call = Call::with(&METHOD, MetadataMap::new(), Peer::default(), Some(now() + deadline));
        let mut ticket = set.pick(&call).unwrap();
        ticket.begin();
        if Arc::ptr_eq(ticket.endpoint(), &set.members()[0].endpoint) {
            waited += 1;
            sleep(deadline).await;
        } else {
            sleep(Duration::from_millis(1)).await;
            ticket.answered(Some(Code::Ok));
        }
    }
    // A third of them would have gone there; one in seconds finds out whether it is still so.
    assert!((1..=9).contains(&waited), "{waited}");
}
