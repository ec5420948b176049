//! To whom calls may go, and whom they prefer: zones, colours, warm-up, subsets.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::advance;

use super::super::set::Set;
use super::super::settings::Settings;
use super::{by, call, eject, instances, set_of, shares};
use crate::client::{Balancer, BalancingSection, Nearness};
use crate::registry::Instance;

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
