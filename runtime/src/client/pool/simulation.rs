//! Where calls go, in simulated time: endpoints that take as long as they are told to, and the choice as it is.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::task::JoinSet;
use tokio::time::{advance, sleep};
use tonic::Code;
use tonic::metadata::MetadataMap;

use super::member::Member;
use super::set::Set;
use super::settings::Settings;
use crate::call::{Call, now};
use crate::chance::scatter;
use crate::client::{Balancer, BalancingSection, Nearness};
use crate::descriptor::{Kind, Method};
use crate::net::Peer;
use crate::registry::Instance;

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
        weights in prop::collection::vec(20_u32..200, 2..9),
        millis in 1_u64..60,
    ) {
        const CALLS: usize = 3000;
        let got = simulate(balancer, &weights, CALLS, |_| Duration::from_millis(millis));
        let total: u32 = weights.iter().sum();
        // Points on a ring are drawn, and there are few of them.
        let noise = if balancer == Balancer::ConsistentHash { 0.4 } else { 0.2 };
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
            // Shares of the others grow in points as well.
            assert!(moved as f64 / 2000.0 < 1.8 * share + 0.04, "{moved} of 2000 for {share}");
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

/// Instances with these zones and clusters.
fn placed(places: &[(&str, &str)]) -> Vec<Instance> {
    let mut list = instances(&vec![100; places.len()]);
    for (instance, (zone, cluster)) in list.iter_mut().zip(places) {
        (*zone).clone_into(&mut instance.zone);
        instance.metadata.insert("cluster".to_owned(), (*cluster).to_owned());
    }
    list
}

fn in_zone_1_of_blue(prefer: &[Nearness]) -> BalancingSection {
    BalancingSection {
        prefer: Some(prefer.to_vec()),
        zone: Some("1".to_owned()),
        cluster: Some("blue".to_owned()),
        ..BalancingSection::default()
    }
}

#[tokio::test(start_paused = true)]
async fn the_own_zone_is_preferred_while_half_of_it_can_be_used() {
    let list = placed(&[("1", ""), ("1", ""), ("2", ""), ("2", ""), ("", "")]);
    let set = set_of(&list, &Settings::balanced(&in_zone_1_of_blue(&[Nearness::Zone])));
    let got = shares(&set, &[]);
    assert!(got[0] > 1300 && got[1] > 1300 && got[2..] == [0, 0, 0], "{got:?}");
    eject(&set, 0);
    advance(Duration::from_millis(100)).await;
    assert_eq!(shares(&set, &[]), [0, 3000, 0, 0, 0], "half of it is left");
    eject(&set, 1);
    advance(Duration::from_millis(100)).await;
    let got = shares(&set, &[]);
    assert!(got[..2] == [0, 0] && got[2..].iter().all(|count| *count > 800), "{got:?}");

    // They come back by probes from wherever calls go.
    advance(Duration::from_secs(2)).await;
    shares(&set, &[]);
    advance(Duration::from_millis(100)).await;
    assert_eq!(shares(&set, &[])[2..], [0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_enough_of_a_zone_can_be_said() {
    let list = placed(&[("1", ""), ("1", ""), ("2", "")]);
    let section = |min, percent| BalancingSection {
        prefer_min: Some(min),
        prefer_percent: Some(percent),
        ..in_zone_1_of_blue(&[Nearness::Zone])
    };
    let leaves = |section: &BalancingSection, ejected: usize| {
        let set = set_of(&list, &Settings::balanced(section));
        (0..ejected).for_each(|index| eject(&set, index));
        shares(&set, &[])[2] > 0
    };
    assert!(!leaves(&section(2, 0), 0) && leaves(&section(2, 0), 1));
    assert!(leaves(&section(3, 0), 0), "there never are three");
    assert!(leaves(&section(1, 60), 1) && !leaves(&section(1, 50), 1));
    assert!(!leaves(&section(1, 0), 1) && leaves(&section(1, 0), 2));
}

#[tokio::test(start_paused = true)]
async fn the_more_important_of_two_preferences_is_kept_for_longer() {
    let list = placed(&[("1", "blue"), ("2", "blue"), ("1", "green"), ("2", "green")]);
    for (prefer, second) in
        [([Nearness::Cluster, Nearness::Zone], 1), ([Nearness::Zone, Nearness::Cluster], 2)]
    {
        let set = set_of(&list, &Settings::balanced(&in_zone_1_of_blue(&prefer)));
        assert_eq!(shares(&set, &[]), [3000, 0, 0, 0]);
        eject(&set, 0);
        advance(Duration::from_millis(100)).await;
        assert_eq!(shares(&set, &[])[second], 3000, "{prefer:?}");
        eject(&set, second);
        advance(Duration::from_millis(100)).await;
        assert!(shares(&set, &[]).iter().filter(|count| **count > 0).count() > 1 || prefer.is_empty());
    }
    // Who says nowhere where it is prefers nobody.
    let section = BalancingSection { prefer: Some(vec![Nearness::Zone]), ..BalancingSection::default() };
    assert!(shares(&set_of(&list, &Settings::balanced(&section)), &[]).iter().all(|count| *count > 0));
}

/// Instances of these colours.
fn coloured(colours: &[&str]) -> Vec<Instance> {
    let mut list = instances(&vec![100; colours.len()]);
    for (instance, colour) in list.iter_mut().zip(colours) {
        (*colour).clone_into(&mut instance.colour);
    }
    list
}

#[tokio::test(start_paused = true)]
async fn calls_go_to_their_colour_and_others_to_none() {
    const GRAY: &[(&str, &str)] = &[("x-md-global-color", "gray")];
    const FORCED: &[(&str, &str)] = &[("dubbo.tag", "gray"), ("dubbo.force.tag", "true")];
    let set = set_of(&coloured(&["", "gray", "", "gray", "blue"]), &Settings::usual());
    let used = |set: &Arc<Set>, headers: &[(&'static str, &'static str)]| -> Vec<usize> {
        let got = shares(set, headers);
        (0..got.len()).filter(|index| got[*index] > 0).collect()
    };
    assert_eq!(used(&set, &[]), [0, 2]);
    for gray in [GRAY, &[("rpc-persist-color", "gray")], &[("dubbo.tag", "gray")], FORCED] {
        assert_eq!(used(&set, gray), [1, 3], "{gray:?}");
    }
    assert_eq!(used(&set, &[("dubbo.tag", "blue")]), [4]);
    assert_eq!(used(&set, &[("dubbo.tag", "red")]), [0, 2], "nobody is red");
    assert!(set.pick(&call(&[("dubbo.tag", "red"), ("dubbo.force.tag", "TRUE")])).is_none());

    // One of them is left, then none.
    eject(&set, 1);
    assert_eq!(used(&set, GRAY), [3]);
    eject(&set, 3);
    advance(Duration::from_millis(100)).await;
    assert_eq!(used(&set, GRAY), [0, 2]);
    assert_eq!(used(&set, FORCED).len(), 2, "better one that is away than one of another colour");
    // They are asked again, though nobody else's calls go there.
    advance(Duration::from_secs(2)).await;
    used(&set, GRAY);
    advance(Duration::from_millis(100)).await;
    assert_eq!(used(&set, GRAY), [1, 3]);

    let set = set_of(&coloured(&["gray"]), &Settings::usual());
    assert!(set.pick(&call(&[])).is_none() && set.pick(&call(GRAY)).is_some());
    // Addresses have no colours.
    let set = Set::default().changed(&instances(&[100, 100]), &Settings::usual(), false);
    assert_eq!(used(&set, FORCED), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn who_began_lately_warms_up_by_the_clock() {
    let section = BalancingSection { warmup_ms: Some(600_000), ..BalancingSection::default() };
    for balancer in [Balancer::P2c, Balancer::RoundRobin, Balancer::LeastRequest] {
        let settings = Settings::balanced(&BalancingSection { balancer: Some(balancer), ..section.clone() });
        let mut list = instances(&[100, 100]);
        let today = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let today = u64::try_from(today.as_millis()).unwrap();
        (list[0].started, list[1].started) = (today - 3_600_000, today);
        let mut set = set_of(&list, &settings);
        let mut at = 0;
        for (seconds, percent) in [(0, 1), (60, 10), (150, 25), (300, 50), (590, 98), (600, 100), (9000, 100)]
        {
            advance(Duration::from_secs(seconds - at)).await;
            at = seconds;
            if !set.is_current() {
                set = set.changed(&list, &settings, true);
            }
            let expected = 3000.0 * f64::from(percent) / f64::from(100 + percent);
            let error = (shares(&set, &[])[1] as f64 - expected).abs();
            assert!(
                error < 20.0 + 5.0 * expected.sqrt(),
                "{balancer:?} after {seconds} s: {error} of {expected}"
            );
        }
        assert!(set.is_current(), "it is warm");
    }
}

#[tokio::test(start_paused = true)]
async fn a_weight_changes_and_the_endpoint_stays() {
    let settings = by(Balancer::RoundRobin);
    let mut list = instances(&[100, 100]);
    let set = set_of(&list, &settings);
    assert_eq!(shares(&set, &[]), [1500, 1500]);
    list[1].weight = 200;
    let heavier = set.changed(&list, &settings, true);
    assert_eq!(shares(&heavier, &[]), [1000, 2000]);
    assert!(Arc::ptr_eq(&heavier.members()[1].endpoint, &set.members()[1].endpoint));
    list[1].enabled = false;
    assert_eq!(heavier.changed(&list, &settings, true).members().len(), 1);
    list[1].enabled = true;
    list[0].weight = 0;
    let last = heavier.changed(&list, &settings, true);
    assert_eq!(shares(&last, &[]), [3000]);
    assert!(Arc::ptr_eq(&last.members()[0].endpoint, &set.members()[1].endpoint));
}

#[tokio::test(start_paused = true)]
async fn a_client_has_the_endpoints_of_its_subset_alone() {
    let list = instances(&[100; 100]);
    let mut had = vec![0; 100];
    for client in 0..20 {
        let section = BalancingSection {
            subset_size: Some(10),
            subset_id: Some(client),
            ..BalancingSection::default()
        };
        let set = set_of(&list, &Settings::balanced(&section));
        assert_eq!(set.members().len(), 10);
        for member in set.members() {
            had[list.iter().position(|instance| instance.address == member.endpoint.name).unwrap()] += 1;
        }
        assert!(shares(&set, &[]).iter().all(|count| *count > 0));
    }
    assert!(had.iter().all(|clients| *clients == 2), "two rounds of ten: {had:?}");
}
