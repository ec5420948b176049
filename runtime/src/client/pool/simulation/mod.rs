//! Where calls go, in simulated time: endpoints that take as long as they are told to, and the choice as it is.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tonic::Code;
use tonic::metadata::MetadataMap;

use super::member::Member;
use super::set::Set;
use super::settings::Settings;
use crate::call::{Call, now};
use crate::chance::scatter;
use crate::client::{Balancer, BalancingSection};
use crate::descriptor::{Kind, Method};
use crate::net::Peer;
use crate::registry::Instance;

mod routes;

static METHOD: Method = Method::new("/a.B/C", 0, Kind::Unary);

const ALL: [Balancer; 4] =
    [Balancer::P2c, Balancer::RoundRobin, Balancer::ConsistentHash, Balancer::LeastRequest];

fn instances(weights: &[u32]) -> Vec<Instance> {
    let instance = |(index, weight): (usize, &u32)| Instance {
        weight: *weight,
        ..Instance::new("a.b.c", format!("10.1.0.{index}:9000"))
    };
    weights.iter().enumerate().map(instance).collect()
}

fn by(balancer: Balancer) -> Settings {
    Settings::balanced(&BalancingSection { balancer: Some(balancer), ..BalancingSection::default() })
}

fn set_of(list: &[Instance], settings: &Settings) -> Arc<Set> {
    Set::default().changed(list, settings, true)
}

/// The place in the list of the endpoint that a call goes to, which is answered at once.
fn picked(set: &Arc<Set>, call: &Call) -> Option<usize> {
    let mut ticket = set.pick(call)?;
    ticket.begin();
    ticket.answered(Some(Code::Ok));
    index(set, ticket.endpoint())
}

fn index(set: &Set, endpoint: &Arc<super::endpoint::Endpoint>) -> Option<usize> {
    set.members().iter().position(|member: &Member| Arc::ptr_eq(&member.endpoint, endpoint))
}

fn eject(set: &Set, index: usize) {
    set.members()[index].endpoint.health.eject(set.at());
}

/// A call with these headers.
fn call(headers: &[(&'static str, &'static str)]) -> Call {
    let mut metadata = MetadataMap::new();
    for (name, value) in headers {
        metadata.insert(*name, value.parse().unwrap());
    }
    Call::with(&METHOD, metadata, Peer::default(), None)
}

/// How many of 3000 such calls each got.
fn shares(set: &Arc<Set>, headers: &[(&'static str, &'static str)]) -> Vec<usize> {
    let mut got = vec![0; set.members().len()];
    for _ in 0..3000 {
        got[picked(set, &call(headers)).unwrap()] += 1;
    }
    got
}

/// Runs something in a time of its own.
fn simulated<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

/// Sends a call each millisecond to endpoints of these weights, which take so long. How many calls each got.
fn simulate(
    balancer: Balancer,
    weights: &[u32],
    calls: usize,
    took: impl Fn(usize) -> Duration,
) -> Vec<usize> {
    simulated(async {
        let set = set_of(&instances(weights), &by(balancer));
        let mut got = vec![0; weights.len()];
        let mut running = JoinSet::new();
        for number in 0..calls {
            let call = Call::new(&METHOD).keyed(Some(scatter(number as u64)));
            let mut ticket = set.pick(&call).unwrap();
            let index = index(&set, ticket.endpoint()).unwrap();
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
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn equal_endpoints_share_by_weight(
        balancer in prop::sample::select(&ALL[..]),
        weights in prop::collection::vec(50_u32..200, 2..9),
        // Where hardly a call is in flight, there is little to weigh.
        millis in 20_u64..60,
    ) {
        const CALLS: usize = 3000;
        let got = simulate(balancer, &weights, CALLS, |_| Duration::from_millis(millis));
        let total: u32 = weights.iter().sum();
        let noise = match balancer {
            // Points on a ring are drawn, and there are few of them; so are calls in flight.
            Balancer::ConsistentHash | Balancer::LeastRequest => 0.45,
            _ => 0.25,
        };
        for (count, weight) in got.iter().zip(&weights) {
            let fair = CALLS as f64 * f64::from(*weight) / f64::from(total);
            let error = (*count as f64 - fair).abs();
            prop_assert!(error < noise * fair + 4.0 * fair.sqrt(), "{balancer:?} {weights:?} got {got:?}");
        }
    }

    #[test]
    fn a_slow_endpoint_gets_much_less_and_not_nothing(
        balancer in prop::sample::select(vec![Balancer::P2c, Balancer::LeastRequest]),
        count in 3_usize..8,
        slowness in 5_u32..20,
    ) {
        const CALLS: usize = 4000;
        let normal = Duration::from_millis(20);
        let took = |index| if index == 0 { normal * slowness } else { normal };
        let got = simulate(balancer, &vec![100; count], CALLS, took);
        let fair = CALLS / count;
        // Who goes by the number of calls alone has to see them.
        let much = if balancer == Balancer::P2c { fair / 3 } else { fair * 2 / 3 };
        prop_assert!(got[0] > 0 && got[0] < much, "{balancer:?} {got:?}");
        let least = fair * 4 / 5;
        prop_assert!(got[1..].iter().all(|others| *others > least), "the others share the rest: {got:?}");
    }

    #[test]
    fn who_is_ejected_or_was_tried_is_avoided(
        balancer in prop::sample::select(&ALL[..]),
        ejected in prop::collection::btree_set(0_usize..9, 0..5),
        key in any::<u64>(),
    ) {
        simulated(async {
            let set = set_of(&instances(&[100; 9]), &by(balancer));
            ejected.iter().for_each(|index| eject(&set, *index));
            for key in 0..50 {
                let call = Call::new(&METHOD).keyed(Some(scatter(key)));
                let mut been = Vec::new();
                for _ in 0..4 {
                    let index = picked(&set, &call).unwrap();
                    assert!(!ejected.contains(&index) && !been.contains(&index), "{index} again: {been:?}");
                    been.push(index);
                }
            }
            // When there is nobody else, whoever there is.
            let call = Call::new(&METHOD).keyed(Some(key));
            for _ in 0..20 {
                assert!(!ejected.contains(&picked(&set, &call).unwrap()));
            }
        });
    }

    #[test]
    fn calls_with_a_key_stay_where_they_were(
        weights in prop::collection::vec(50_u32..200, 3..30),
        gone in any::<prop::sample::Index>(),
    ) {
        simulated(async {
            let (list, settings) = (instances(&weights), by(Balancer::ConsistentHash));
            let set = set_of(&list, &settings);
            let mut fewer = list.clone();
            let gone = fewer.remove(gone.index(list.len()));
            let rest = set.changed(&fewer, &settings, true);
            let place = |set: &Arc<Set>, list: &[Instance], key| {
                let call = Call::new(&METHOD).keyed(Some(scatter(key)));
                list[picked(set, &call).unwrap()].id.clone()
            };
            let moved = (0..2000).filter(|key| place(&set, &list, *key) != place(&rest, &fewer, *key)).count();
            let share = f64::from(gone.weight) / f64::from(weights.iter().sum::<u32>());
            // Points are made by the mean, which is another one when a heavy or a light one goes.
            let other = (share - 1.0 / list.len() as f64).abs();
            assert!(moved as f64 / 2000.0 < 1.8 * share + other + 0.04, "{moved} of 2000 for {share}");
        });
    }
}

#[tokio::test(start_paused = true)]
async fn who_never_answers_is_left_alone() {
    let set = set_of(&instances(&[100, 100, 100]), &by(Balancer::P2c));
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
