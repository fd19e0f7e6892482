//! A number that is written in several ways is one number; one that is withheld is nobody's.

use super::{config, gateway};
use crate::support::{Gateway, Leg, new_tenant};
use serde_json::{Value, json};

/// The call that these events of one leg make.
async fn made(gateway: &Gateway, leg: &Leg, events: &[Value]) -> Value {
    gateway.deliver_each(events).await;
    gateway.agent(&leg.tenant, "200").await.call(leg).unwrap().clone()
}

/// The event with another caller.
fn by(mut event: Value, number: &str, name: &str) -> Value {
    event["caller_number"] = number.into();
    event["caller_name"] = name.into();
    event
}

#[tokio::test]
async fn words_in_place_of_a_number_are_nobodys() {
    let gateway = gateway().await;
    for word in ["", "anonymous", "Anonymous", "UNKNOWN", "withheld", "sip:anonymous@anonymous.invalid"] {
        let leg = Leg::inbound(&new_tenant(), "200");
        let call = made(&gateway, &leg, &[by(leg.ringing(0), word, word)]).await;
        assert_eq!(call["remote"], json!({"number": null, "name": null}), "{word:?}");
        assert_eq!(call["internal"], false);
    }
}

#[tokio::test]
async fn a_name_that_only_repeats_the_number_is_none_however_it_is_written() {
    let gateway = gateway().await;
    for name in
        ["3225550100", "003225550100", "02 555 01 00", "+32\u{a0}2 555\u{2011}0100", "\"+3225550100\""]
    {
        let leg = Leg::inbound(&new_tenant(), "200");
        let call = made(&gateway, &leg, &[by(leg.ringing(0), "+3225550100", name)]).await;
        assert_eq!(call["remote"], json!({"number": "+3225550100", "name": null}), "{name:?}");
    }
}

#[tokio::test]
async fn a_name_once_known_stays_with_the_number_and_the_text_that_came_is_shown() {
    let gateway = gateway().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let events = [by(leg.ringing(0), "025550100", "Marie Peeters"), by(leg.active(5), "+3225550100", "")];
    let call = made(&gateway, &leg, &events).await;
    assert_eq!(call["remote"], json!({"number": "+3225550100", "name": "Marie Peeters"}));
}

#[tokio::test]
async fn a_transfer_is_complete_by_the_same_number_in_another_form() {
    let gateway = gateway().await;
    for (announced, came) in [("+3225550177", "025550177"), ("003225550177", "+32 2 555 01 77")] {
        let leg = Leg::inbound(&new_tenant(), "200");
        let mut ringing = by(leg.ringing(0), "210", "Jane Doe");
        ringing["transfer_caller_number"] = announced.into();
        let call = made(&gateway, &leg, &[ringing, by(leg.active(5), came, "")]).await;
        assert_eq!(call["transfer"]["original_number"], announced);
        assert_eq!(call["transfer"]["completed_at"], json!(leg.at(5)), "{came}");
    }
}

#[tokio::test]
async fn how_national_numbers_read_is_the_sources() {
    let american = config().await.set("sources.telsmart.country", "1").start().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let events = [by(leg.ringing(0), "2125550100", "Marie Peeters"), by(leg.active(5), "+12125550100", "")];
    assert_eq!(made(&american, &leg, &events).await["remote"]["name"], "Marie Peeters");
    let leg = Leg::inbound(&new_tenant(), "200");
    let events = [by(leg.ringing(0), "2125550100", "Marie Peeters"), by(leg.active(5), "+12125550100", "")];
    assert_eq!(
        made(&gateway().await, &leg, &events).await["remote"]["name"],
        Value::Null,
        "a stranger in Belgium"
    );
}
