//! Phone numbers: the one form in which two texts that mean the same number are equal. Numbers are shown
//! as they came; they are compared by this form.
//!
//! ```text
//! +3225550100, 003225550100, 025550100, (02) 555.01.00 of a Belgian source     +3225550100
//! 200                                                                           200
//! 78123456 (fits nothing)                                                       ?78123456
//! anonymous, "", Reception                                                      nobody's
//! ```

use serde::{Deserialize, Serialize};
use std::fmt;

/// The most digits that are dialled within a tenant; what has more is a public number.
pub(crate) const MAX_INTERNAL_DIGITS: usize = 6;
/// How many digits a national number with its trunk `0` has.
const NATIONAL_DIGITS: std::ops::RangeInclusive<usize> = 9..=10;
/// North America, which has no trunk digit.
const NORTH_AMERICA: &str = "1";

/// How the national numbers of a source read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The digits of its country, such as `32`.
    pub(crate) country: String,
    /// What is dialled before a number outside; mostly nothing.
    pub(crate) outside_prefix: String,
}

/// A number in its normal form.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Number(String);

impl Default for Plan {
    fn default() -> Self {
        Self { country: "32".to_owned(), outside_prefix: String::new() }
    }
}

impl Plan {
    /// The normal form; none where the text is nobody's number: it is withheld, or has no digit.
    pub(crate) fn number(&self, text: &str) -> Option<Number> {
        if is_normal(text) {
            return Some(Number(text.to_owned()));
        }
        if has_no_digit(text) { None } else { self.read(text) }
    }

    /// Whether it is dialled within a tenant.
    pub(crate) fn is_internal(&self, text: &str) -> bool {
        if is_normal(text) {
            return !text.starts_with('+');
        }
        self.number(text).is_some_and(|number| number.is_internal())
    }

    fn read(&self, text: &str) -> Option<Number> {
        let user = user_part(text);
        if !user.contains(|c| digit(c).is_some()) || user.contains(is_no_sign) {
            return None;
        }
        let is_international = user.trim_start_matches(is_filler).starts_with('+');
        let digits: String = user.chars().filter_map(key).collect();
        if is_international {
            return Some(Number(format!("+{}", without_trunk(user, &digits))));
        }
        // What is dialled to get outside comes off where what follows reads as a number of the outside.
        let outside =
            digits.strip_prefix(self.outside_prefix.as_str()).filter(|_| !self.outside_prefix.is_empty());
        let public = outside.and_then(|rest| self.public(rest)).or_else(|| self.public(&digits));
        Some(Number(public.unwrap_or_else(|| {
            if digits.len() <= MAX_INTERNAL_DIGITS { digits } else { format!("?{digits}") }
        })))
    }

    /// How a number is asked for elsewhere: in its normal form, or as it came where it fits none; none where it is
    /// nobody's.
    pub(crate) fn to_ask_for(&self, text: &str) -> Option<String> {
        let Number(normal) = self.number(text)?;
        Some(if normal.starts_with('?') { text.trim().to_owned() } else { normal })
    }

    /// Whether two texts mean the same number; what is nobody's is not even the same as itself.
    pub(crate) fn is_same(&self, one: &str, other: &str) -> bool {
        self.number(one).is_some_and(|number| one == other || self.number(other) == Some(number))
    }

    fn public(&self, digits: &str) -> Option<String> {
        if self.country == NORTH_AMERICA {
            return match (digits.len(), digits.as_bytes().first()) {
                (10, _) => Some(format!("+1{digits}")),
                (11, Some(b'1')) => Some(format!("+{digits}")),
                _ => digits
                    .strip_prefix("011")
                    .filter(|rest| rest.len() > MAX_INTERNAL_DIGITS)
                    .map(|rest| format!("+{rest}")),
            };
        }
        if let Some(rest) = digits.strip_prefix("00").filter(|rest| rest.len() > MAX_INTERNAL_DIGITS) {
            return Some(format!("+{rest}"));
        }
        let is_national = |rest: &&str| NATIONAL_DIGITS.contains(&(rest.len() + 1));
        // Where national numbers begin with a 0, one that begins with the country has lost its plus.
        let rest = digits.strip_prefix('0').or_else(|| digits.strip_prefix(self.country.as_str()));
        rest.filter(is_national).map(|rest| format!("+{}{rest}", self.country))
    }
}

impl Number {
    /// Whether it is one that is dialled within a tenant.
    fn is_internal(&self) -> bool {
        self.0.len() <= MAX_INTERNAL_DIGITS && self.0.bytes().all(|byte| byte.is_ascii_digit())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a text stands in place of a number that its owner does not want to show.
pub(crate) fn is_withheld(text: &str) -> bool {
    const WORDS: [&str; 7] = ["", "anonymous", "unknown", "private", "restricted", "unavailable", "withheld"];
    if is_normal(text) {
        return false;
    }
    let user = user_part(text);
    WORDS.iter().any(|word| user.eq_ignore_ascii_case(word))
}

/// Whether a text is its own normal form at a glance, as most are: international, or dialled within a tenant.
pub(crate) fn is_normal(text: &str) -> bool {
    let (digits, is_international) = text.strip_prefix('+').map_or((text, false), |digits| (digits, true));
    !digits.is_empty()
        && (is_international || digits.len() <= MAX_INTERNAL_DIGITS)
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether that is so at a glance, as it is of most names.
fn has_no_digit(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_digit())
}

/// What stands before the host and the parameters of a URI, without its scheme.
fn user_part(text: &str) -> &str {
    if is_bare(text) {
        return text;
    }
    let text = text.trim_matches(is_filler);
    let without_scheme = ["sip:", "sips:", "tel:"].iter().find_map(|scheme| {
        let (begin, rest) = text.split_at_checked(scheme.len())?;
        begin.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    let rest = without_scheme.unwrap_or(text);
    rest.split(['@', ';']).next().unwrap_or(rest)
}

/// Whether nothing stands around a text at a glance, as of most names.
fn is_bare(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_end = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    is_end(bytes.first())
        && is_end(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii() && !matches!(byte, b':' | b'@' | b';'))
}

/// `+32 (0)2 555 01 00` names the trunk digit, which nobody dials after the country.
fn without_trunk(user: &str, digits: &str) -> String {
    let Some((before, _)) = user.split_once("(0)") else { return digits.to_owned() };
    let at = before.chars().filter_map(digit).count();
    let mut digits = digits.to_owned();
    if at > 0 && at < digits.len() {
        digits.remove(at);
    }
    digits
}

/// What no number has: words are none, whatever digits stand among them, nor are digits that are not known here.
fn is_no_sign(c: char) -> bool {
    c.is_alphabetic() || c.is_numeric() && digit(c).is_none()
}

/// What a telephone has a key for.
fn key(c: char) -> Option<char> {
    if matches!(c, '*' | '#') { Some(c) } else { digit(c) }
}

/// A digit, also of Arabic, Persian and full-width writing.
fn digit(c: char) -> Option<char> {
    const ZEROS: [char; 4] = ['0', '\u{660}', '\u{6f0}', '\u{ff10}'];
    let value =
        ZEROS.iter().find_map(|zero| (c as u32).checked_sub(*zero as u32).filter(|value| *value < 10))?;
    char::from_digit(value, 10)
}

/// What people and programs put around and between digits: white space, marks of direction, quotes, brackets.
fn is_filler(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '"' | '\'' | '<' | '>' | '(' | ')' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(plan: &Plan, text: &str) -> Option<String> {
        plan.number(text).map(|number| number.0)
    }

    fn american() -> Plan {
        Plan { country: "1".to_owned(), outside_prefix: "9".to_owned() }
    }

    #[test]
    fn what_means_the_same_belgian_number_is_the_same() {
        let plan = Plan::default();
        for text in [
            "+3225550100",
            "003225550100",
            "025550100",
            "3225550100",
            "+32 2 555 01 00",
            "(02) 555.01/00",
            "+32-2\u{2011}555\u{2013}01\u{a0}00",
            "\u{202a}+32\u{202f}2 555 01 00\u{202c}",
            "\u{200e}+3225550100",
            "+32 (0)2 555 01 00",
            "\"+3225550100\"",
            "<+3225550100>",
            "tel:+3225550100",
            "sip:+3225550100@pbx.example;user=phone",
            "SIP:025550100@pbx.example",
            "+\u{ff13}\u{ff12}25550100",
        ] {
            assert_eq!(number(&plan, text).as_deref(), Some("+3225550100"), "{text:?}");
        }
        assert_eq!(number(&plan, "0470 12 34 56").as_deref(), Some("+32470123456"));
        assert_eq!(number(&plan, "sip:200@pbx.example").as_deref(), Some("200"));
        for text in ["0", "*21", "#31#0"] {
            assert_eq!(number(&plan, text).as_deref(), Some(text), "a sign of the keypad is one");
        }
        for strange in ["25550100", "78123456", "4925550100"] {
            assert_eq!(number(&plan, strange), Some(format!("?{strange}")), "a suffix would join strangers");
        }
    }

    #[test]
    fn an_american_number_needs_no_plus() {
        for text in ["2125550100", "12125550100", "+1 (212) 555-0100", "912125550100", "92125550100"] {
            assert_eq!(number(&american(), text).as_deref(), Some("+12125550100"), "{text}");
        }
        assert_eq!(number(&american(), "9125550100").as_deref(), Some("+19125550100"), "912 is an area");
        assert_eq!(number(&american(), "01132470123456").as_deref(), Some("+32470123456"));
        assert_eq!(number(&american(), "911").as_deref(), Some("911"));
    }

    #[test]
    fn the_prefix_for_the_outside_comes_off_where_a_number_follows() {
        let plan = Plan { outside_prefix: "0".to_owned(), ..Plan::default() };
        for (text, meant) in [
            ("0025550100", "+3225550100"),
            ("00032470123456", "+32470123456"),
            ("025550100", "+3225550100"),
            ("0032470123456", "+32470123456"),
            ("0200", "0200"),
        ] {
            assert_eq!(number(&plan, text).as_deref(), Some(meant), "{text}");
        }
    }

    #[test]
    fn words_in_place_of_a_number_are_nobodys() {
        let plan = Plan::default();
        for word in [
            "",
            " ",
            "anonymous",
            "Anonymous",
            "UNKNOWN",
            "private",
            "restricted",
            "unavailable",
            "withheld",
            "sip:anonymous@anonymous.invalid",
            "+",
            "Reception",
            "Lobby 2",
        ] {
            assert_eq!(number(&plan, word), None, "{word:?}");
            assert_eq!(is_withheld(word), !matches!(word, "+" | "Reception" | "Lobby 2"), "{word:?}");
            assert!(!plan.is_same(word, word));
        }
    }

    proptest! {
        #[test]
        fn a_normal_form_is_its_own(text in any::<String>(), digits in "[+]?[0-9 ./()-]{1,18}") {
            for plan in [Plan::default(), american()] {
                for text in [&text, &digits] {
                    if let Some(number) = plan.number(text).filter(|number| number.as_str().starts_with('+')) {
                        prop_assert_eq!(plan.number(number.as_str()), Some(number));
                    }
                }
            }
        }

        #[test]
        fn a_bare_text_is_its_own_user_part(text in "[ -~\u{200e}]{0,12}") {
            let around = format!("\u{200e}{text}");
            if is_bare(&text) {
                prop_assert_eq!(user_part(&around), text);
            }
        }

        #[test]
        fn what_is_seen_at_a_glance_is_so_when_it_is_read(digits in "[+]?[0-9]{0,18}", text in "[ -~\u{660}]{0,12}") {
            for plan in [Plan::default(), american(), Plan { outside_prefix: "0".to_owned(), ..Plan::default() }] {
                for text in [&digits, &text] {
                    let read = plan.read(text);
                    prop_assert_eq!(plan.is_internal(text), read.as_ref().is_some_and(Number::is_internal));
                    prop_assert_eq!(plan.number(text), read);
                }
            }
        }

        #[test]
        fn how_it_is_grouped_does_not_matter(digits in "[0-9]{3,15}", at in 1_usize..3, sign in "[ ./\u{a0}-]") {
            let plan = Plan::default();
            let (begin, end) = digits.split_at(at);
            prop_assert_eq!(plan.number(&format!("{begin}{sign}{end}")), plan.number(&digits));
            let padded = format!(" {digits} ");
            prop_assert!(plan.is_same(&digits, &padded));
        }
    }
}
