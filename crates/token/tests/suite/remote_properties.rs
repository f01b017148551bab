//! Whatever the order of events: the keys are those of the last good answer,
//! there is one request at a time, and their number is bounded.

use doorward_token::remote::{
    Asked, EARLY_BURST, EARLY_INTERVAL, FetchError, Millis, Newer, Outcome, RemoteKeys,
};
use proptest::prelude::*;

use crate::remote::{BEGIN, key_ids, ok, published, settings};

#[derive(Debug, Clone)]
enum Event {
    Pass(Millis),
    Ask,
    Unknown,
    Poll(u64),
    Answer(Answer),
    /// An answer to a request of long ago.
    Late,
    Abandon,
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Keys(&'static str),
    Garbage,
    Broken,
}

fn event() -> impl Strategy<Value = Event> {
    let answer = prop_oneof![
        4 => prop_oneof![Just("rsa-a"), Just("rsa-b")].prop_map(Answer::Keys),
        1 => Just(Answer::Garbage),
        1 => Just(Answer::Broken),
    ];
    prop_oneof![
        2 => (0_u64..3_000).prop_map(Event::Pass),
        1 => (0_u64..3_600_000).prop_map(Event::Pass),
        3 => Just(Event::Ask),
        6 => Just(Event::Unknown),
        6 => any::<u64>().prop_map(Event::Poll),
        6 => answer.prop_map(Event::Answer),
        1 => Just(Event::Late),
        1 => Just(Event::Abandon),
    ]
}

proptest! {
    #[test]
    fn keys_are_those_of_the_last_good_answer(events in prop::collection::vec(event(), 1..200)) {
        let mut keys = RemoteKeys::new(settings());
        let mut now = BEGIN;
        let mut flying: Option<u64> = None;
        let mut last: Option<(&'static str, Millis)> = None;
        let mut sent_at = BEGIN;
        let (mut early, mut found, mut abandoned) = (0_u64, 0_u64, 0_u64);
        for event in events {
            match event {
                Event::Pass(time) => now += time,
                Event::Ask => match keys.ask(now) {
                    Asked::Missing => {}
                    Asked::Awaited => {
                        let next = keys.next_poll(now).expect("something is to be waited for");
                        prop_assert!(next <= now + 5_000);
                    }
                    asked @ Asked::Keys(..) => {
                        let (name, at) = last.expect("keys came");
                        prop_assert_eq!(key_ids(&asked), Some(vec![name.to_owned()]));
                        prop_assert!(now - at < 24 * 3_600_000 + 600_000);
                    }
                },
                Event::Unknown => {
                    let newer = keys.ask_for_newer(keys.started(), now + 5_000, now);
                    if newer == Newer::Awaited {
                        let next = keys.next_poll(now).expect("something is to be waited for");
                        prop_assert!(next <= now + 5_000);
                        early += 1;
                    }
                }
                Event::Poll(random) => {
                    if let Some(fetch) = keys.poll(now, random) {
                        // The one before was answered, or lost after its time.
                        prop_assert!(flying.is_none() || now >= sent_at + 6_000);
                        flying = Some(fetch.number);
                        sent_at = now;
                    } else if flying.is_some() && now >= sent_at + 6_000 {
                        flying = None;
                    }
                }
                Event::Answer(answer) => {
                    let Some(number) = flying.take() else { continue };
                    match answer {
                        Answer::Keys(name) => {
                            let outcome = keys.answered(number, &ok(&published(&[name])), now, 3);
                            let came = last.is_none_or(|(known, _)| known != name);
                            let expected = Outcome::Keys { count: 1, changed: came };
                            prop_assert_eq!(outcome, expected);
                            found += u64::from(came);
                            last = Some((name, sent_at));
                        }
                        Answer::Garbage => {
                            keys.answered(number, &ok(b"<html>"), now, 3);
                        }
                        Answer::Broken => {
                            keys.failed(number, FetchError::NoAnswer, now, 3);
                        }
                    }
                }
                Event::Late => {
                    let outcome = keys.answered(0, &ok(&published(&["rsa-b"])), now, 3);
                    prop_assert_eq!(outcome, Outcome::Ignored);
                }
                Event::Abandon => {
                    if let Some(number) = flying.take() {
                        keys.abandoned(number);
                        abandoned += 1;
                    }
                }
            }
        }
        // Every request has a cause: the refresh time, a failure's backoff, a
        // source that went, or an unknown key within its bound.
        let passed = now - BEGIN;
        let bound = 1 + passed / 480_000 + passed / 500 + abandoned
            + u64::from(EARLY_BURST) + passed / EARLY_INTERVAL + found;
        prop_assert!(keys.started() <= bound, "{} of {bound}, {early}", keys.started());
    }
}
