//! What Telsmart's AI would say of a simulated call: the shape of the provider's example,
//! filled with what is known of the call, in British English.

use super::{
    phone::{Direction, Ended, Leg},
    webhook::{Micros, Webhook},
};
use serde_json::{Value, json};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Ended {
    /// The webhook of the call's summary: the timestamp is a number and the caller has no
    /// name, as Telsmart sends it.
    pub(crate) fn webhook(&self, tenant: &str, at: Micros) -> Webhook {
        let webhook = self.leg.webhook(tenant, "SUMMARY_REPORTING", at);
        webhook.with("caller_name", "").with("timestamp", at).with("summary", summary(self))
    }
}

/// The `summary` of an ended call.
fn summary(ended: &Ended) -> Value {
    json!({ "language": "en-GB", "content": content(ended) })
}

fn content(ended: &Ended) -> Value {
    let leg = &ended.leg;
    let (caller, callee) = (attendee(leg, Direction::Inbound), attendee(leg, Direction::Outbound));
    let date = Date::of(ended.answered_at);
    let lasted = spoken(ended.ended_at.saturating_sub(ended.answered_at) / 1_000_000);
    json!({
        "meeting_title": format!("Phone call between {caller} and {callee} - {}", date.title()),
        "meeting_information": {
            "date_time": date.date_time(),
            "location": "Phone Call",
            "attendees": [caller, callee],
        },
        "quick_summary": [
            format!("{caller} called {callee} to ask how far an order is and when it will be delivered."),
            format!("They spoke for {lasted} and agreed on what happens next."),
        ],
        "focus_topics": ["Status of the order", "Delivery date"],
        "meeting_notes_sections": [{
            "section_number": 1,
            "section_title": "Purpose of the Call",
            "conclusion": ["The order is on its way; the delivery date is still to be confirmed in writing."],
            "topics": [{
                "topic_title": "Status of the order",
                "points": points(leg, &caller, &callee),
                "conclusion": ["Both participants know the status of the order and the next step."],
            }],
        }],
        "action_items": [format!("{callee} confirms the delivery date to {caller} in writing.")],
        "alfie_recommendations": {
            "conclusion": format!("A clear and friendly call of {lasted}. Well done! 🚀"),
            "missed": ["It was not said who is there to receive the delivery."],
            "suggestions": [
                "Repeat the agreed date at the end of the call.",
                "Offer a message on the morning of the delivery.",
            ],
        },
    })
}

fn points(leg: &Leg, caller: &str, callee: &str) -> Vec<String> {
    let mut points = vec![
        format!("{caller} asked {callee} for the status of the order."),
        format!("{callee} explained that it has left the warehouse."),
    ];
    match leg.holds {
        0 => {}
        1 => points.push("The call was put on hold once.".to_owned()),
        times => points.push(format!("The call was put on hold {times} times.")),
    }
    points
}

/// How the summary names a side: the caller is the remote side of an inbound call.
fn attendee(leg: &Leg, side_is_remote_if: Direction) -> String {
    let party = if leg.direction == side_is_remote_if { leg.remote() } else { leg.local() };
    party.name.clone().unwrap_or_else(|| "External Person 1".to_owned())
}

/// A duration as one says it.
fn spoken(seconds: Micros) -> String {
    let count = |number: Micros, unit| format!("{number} {unit}{}", if number == 1 { "" } else { "s" });
    match (seconds / 60, seconds % 60) {
        (0, seconds) => count(seconds, "second"),
        (minutes, 0) => count(minutes, "minute"),
        (minutes, seconds) => format!("{} and {}", count(minutes, "minute"), count(seconds, "second")),
    }
}

/// A moment in the Gregorian calendar, UTC.
struct Date {
    year: u64,
    month: u64,
    day: u64,
    second_of_day: u64,
}

impl Date {
    /// Counts in years that begin in March, so that the leap day is a year's last
    /// (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    fn of(at: Micros) -> Self {
        let seconds = at / 1_000_000;
        let days = seconds / 86_400 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        Self {
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * from_march + 2) / 5 + 1,
            second_of_day: seconds % 86_400,
        }
    }

    /// As in `8th December 2025`.
    fn title(&self) -> String {
        let suffix = match self.day {
            1 | 21 | 31 => "st",
            2 | 22 => "nd",
            3 | 23 => "rd",
            _ => "th",
        };
        let month = MONTHS[self.month as usize - 1];
        format!("{}{suffix} {month} {}", self.day, self.year)
    }

    /// As in `2025-12-08 15:56:15`.
    fn date_time(&self) -> String {
        let (hour, minute, second) =
            (self.second_of_day / 3600, self.second_of_day / 60 % 60, self.second_of_day % 60);
        format!("{}-{:02}-{:02} {hour:02}:{minute:02}:{second:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let at = |seconds: u64| Date::of(seconds * 1_000_000);
        assert_eq!(at(1_765_209_375).date_time(), "2025-12-08 15:56:15");
        assert_eq!(at(1_765_209_375).title(), "8th December 2025");
        assert_eq!(at(0).title(), "1st January 1970");
        assert_eq!(at(951_782_400).title(), "29th February 2000");
        assert_eq!(at(1_772_323_200).title(), "1st March 2026");
        assert_eq!(at(4_102_444_799).date_time(), "2099-12-31 23:59:59");
    }

    #[test]
    fn durations_are_said_as_people_say_them() {
        assert_eq!(
            [0, 1, 60, 61, 125].map(spoken),
            ["0 seconds", "1 second", "1 minute", "1 minute and 1 second", "2 minutes and 5 seconds"]
        );
    }
}
