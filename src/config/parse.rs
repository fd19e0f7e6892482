//! From what was given to what is meant: one function a type. Errors are remedies; they
//! never quote a value, as the reader shows it, or masks it.

use super::disposition::check_disposition;
use super::tree::{Given, Raw};
use ipnet::{IpNet, Ipv4Net};
use redis::IntoConnectionInfo;
use std::{net::SocketAddr, ops::RangeInclusive, path::PathBuf, time::Duration};
use toml::Value;

/// Ten years: more is surely a slip, and times past it would overflow elsewhere.
const MAX_DURATION: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

pub(super) fn text(given: &Given) -> Result<String, String> {
    let text = match &given.raw {
        Raw::Toml(Value::String(text)) | Raw::Variable(text) => text.as_str(),
        Raw::Content(text) => text.trim_end_matches(['\r', '\n']),
        Raw::Toml(_) => return Err("must be text in quotes".to_owned()),
    };
    if text.trim().is_empty() { Err("must not be empty".to_owned()) } else { Ok(text.to_owned()) }
}

/// The elements of a list. Empty ones of variables and files are left out.
pub(super) fn list(given: &Given) -> Result<Vec<String>, String> {
    let elements = |parts: &mut dyn Iterator<Item = &str>| {
        parts.map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let not_texts = || "must be a list of texts, such as [\"…\", \"…\"]".to_owned();
    match &given.raw {
        Raw::Variable(text) => Ok(elements(&mut text.split(','))),
        Raw::Content(text) => Ok(elements(&mut text.lines())),
        Raw::Toml(Value::Array(values)) => {
            values.iter().map(|value| value.as_str().map(str::to_owned).ok_or_else(not_texts)).collect()
        }
        Raw::Toml(_) => Err(not_texts()),
    }
}

/// A whole number within bounds.
pub(super) fn number(given: &Given, bounds: RangeInclusive<u32>) -> Result<u32, String> {
    let number = match &given.raw {
        Raw::Toml(Value::Integer(number)) => Some(*number),
        Raw::Toml(_) => None,
        Raw::Variable(text) | Raw::Content(text) => text.trim().parse().ok(),
    };
    let number = number.ok_or("must be a whole number, without quotes in TOML")?;
    let bounded = u32::try_from(number).ok().filter(|number| bounds.contains(number));
    bounded.ok_or_else(|| format!("must be from {} to {}", bounds.start(), bounds.end()))
}

pub(super) fn boolean(given: &Given) -> Result<bool, String> {
    let parsed = match &given.raw {
        Raw::Toml(value) => value.as_bool(),
        Raw::Variable(text) | Raw::Content(text) => text.trim().parse().ok(),
    };
    parsed.ok_or_else(|| "must be true or false, without quotes in TOML".to_owned())
}

/// The digits that a text begins with, one at least, and what comes after them.
fn number_and_unit(text: &str) -> Option<(&str, &str)> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (unit_at > 0).then(|| text.split_at(unit_at))
}

/// A number of bytes within bounds: a whole number, or one with a unit, such as `256KiB`.
pub(super) fn size(given: &Given, bounds: RangeInclusive<usize>) -> Result<usize, String> {
    const FORM: &str = "must be a whole number of bytes, or with a unit of KiB or MiB, such as \"2MiB\"";
    let text = match &given.raw {
        Raw::Toml(Value::Integer(number)) => number.to_string(),
        _ => text(given).map_err(|_| FORM)?.trim().to_owned(),
    };
    let (number, unit) = number_and_unit(&text).ok_or(FORM)?;
    let each = match unit.trim_start() {
        "" => 1,
        "KiB" => 1024,
        "MiB" => 1024 * 1024,
        _ => return Err(FORM.to_owned()),
    };
    let bytes = number.parse::<usize>().ok().and_then(|number| number.checked_mul(each));
    let bounded = bytes.filter(|bytes| bounds.contains(bytes));
    bounded.ok_or_else(|| format!("must be from {} to {} bytes", bounds.start(), bounds.end()))
}

const DURATION: &str = "must be a whole number and a unit of ms, s, m, h or d, such as \"30s\"";

/// A number with a unit, such as `250ms`, `3m` or `7d`; at most ten years.
pub(super) fn duration(given: &Given) -> Result<Duration, String> {
    let text = text(given).map_err(|_| DURATION)?;
    duration_text(text.trim())
}

/// The same of a text.
pub(super) fn duration_text(text: &str) -> Result<Duration, String> {
    const FORM: &str = DURATION;
    let (number, unit) = number_and_unit(text).ok_or(FORM)?;
    let millis_each: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        "d" => 24 * 60 * 60 * 1000,
        _ => return Err(FORM.to_owned()),
    };
    let millis = number.parse::<u64>().ok().and_then(|number| number.checked_mul(millis_each));
    let bounded = millis.map(Duration::from_millis).filter(|duration| *duration <= MAX_DURATION);
    bounded.ok_or_else(|| "must be at most ten years, \"3650d\"".to_owned())
}

/// A duration that is of no use when it is shorter.
pub(super) fn duration_of_at_least(given: &Given, least: Duration) -> Result<Duration, String> {
    let duration = duration(given)?;
    if duration < least {
        return Err(format!("must be at least {least:?}"));
    }
    Ok(duration)
}

pub(super) fn socket(given: &Given) -> Result<SocketAddr, String> {
    let parsed = text(given)?.trim().parse();
    parsed.map_err(|_| "must be an IP address and a port, such as \"127.0.0.1:8080\"".to_owned())
}

pub(super) fn path(given: &Given) -> Result<PathBuf, String> {
    text(given).map(PathBuf::from)
}

/// A network, or one address.
pub(super) fn network(element: &str) -> Result<IpNet, String> {
    let net = element.parse().or_else(|_| element.parse().map(|address: std::net::IpAddr| address.into()));
    net.map(|net: IpNet| canonical(net.trunc()))
        .map_err(|_| "must be an address or a network, such as \"10.0.0.0/8\"".to_owned())
}

/// Addresses of IPv4 that are written as IPv6 are those of IPv4, as clients' are.
fn canonical(net: IpNet) -> IpNet {
    let IpNet::V6(mapped) = net else { return net };
    let address = mapped.addr().to_ipv4_mapped();
    let of_ipv4 = address.zip(mapped.prefix_len().checked_sub(96));
    of_ipv4.and_then(|(address, length)| Ipv4Net::new(address, length).ok()).map_or(net, IpNet::V4)
}

/// What a wrap-up may say of a call.
pub(super) fn disposition(element: &str) -> Result<String, String> {
    check_disposition(element).map_err(|why| why.to_string())?;
    Ok(element.to_owned())
}

/// The origin of a web page as browsers write it: lower case, without the port that goes
/// without saying.
pub(super) fn origin(element: &str) -> Result<String, String> {
    const FORM: &str = "must be scheme://host or scheme://host:port, such as \"https://desk.example.com\", \
        without a path";
    if element.contains('*') {
        return Err("a wildcard is not supported: list every origin".to_owned());
    }
    let lower = element.to_ascii_lowercase();
    let (scheme, authority) = lower.split_once("://").ok_or(FORM)?;
    let scheme_is_sound = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let (host, port) = host_and_port(authority).ok_or(FORM)?;
    if !scheme_is_sound {
        return Err(FORM.to_owned());
    }
    Ok(match (scheme, port) {
        (_, None) | ("http", Some(80)) | ("https", Some(443)) => format!("{scheme}://{host}"),
        (_, Some(port)) => format!("{scheme}://{host}:{port}"),
    })
}

fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let host_end = if authority.starts_with('[') { authority.find(']')? + 1 } else { 0 };
    let (host, port) = match authority[host_end..].rfind(':') {
        Some(at) => {
            let (host, port) = authority.split_at(host_end + at);
            let digits = port[1..].bytes().all(|byte| byte.is_ascii_digit());
            (host, Some(port[1..].parse::<u16>().ok().filter(|port| digits && *port > 0)?))
        }
        None => (authority, None),
    };
    let sound = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
        }
    };
    sound.then_some((host, port))
}

/// The name of an HTTP header.
pub(super) fn header_name(given: &Given) -> Result<String, String> {
    let name = text(given)?.trim().to_owned();
    match axum::http::HeaderName::from_bytes(name.as_bytes()) {
        Ok(_) => Ok(name),
        Err(_) => Err("must be a header's name: letters, digits and hyphens".to_owned()),
    }
}

/// A country as it is dialled, such as `32`.
pub(super) fn country(given: &Given) -> Result<String, String> {
    let digits = dialled(given)?;
    let is_sound = digits.len() <= 3 && !digits.starts_with('0');
    if is_sound {
        Ok(digits)
    } else {
        Err("must be the digits of a country, such as \"32\" or \"1\"".to_owned())
    }
}

/// Some digits, as text.
pub(super) fn dialled(given: &Given) -> Result<String, String> {
    let digits = text(given)?.trim().to_owned();
    let is_sound = digits.len() <= 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_sound { Ok(digits) } else { Err("must be at most 8 digits in quotes".to_owned()) }
}

/// A secret that comes in a header, so it must be able to.
pub(super) fn header_secret(element: &str) -> Result<String, String> {
    if element.is_empty() {
        Err("must not be empty".to_owned())
    } else if element.trim() != element || element.chars().any(char::is_control) {
        Err("begins or ends with a space or has a control character, which a header cannot".to_owned())
    } else {
        Ok(element.to_owned())
    }
}

/// A token as `Authorization: Bearer` has it.
pub(super) fn bearer_token(element: &str) -> Result<String, String> {
    let is_sound = !element.is_empty() && element.bytes().all(|byte| byte.is_ascii_graphic());
    if is_sound { Ok(element.to_owned()) } else { Err("must be printable ASCII without spaces".to_owned()) }
}

/// A user's name and password, as they are joined for `Authorization: Basic`.
pub(super) fn user_and_password(element: &str) -> Result<String, String> {
    let (user, password) = element.split_once(':').unwrap_or_default();
    if user.is_empty() || password.is_empty() || element.chars().any(char::is_control) {
        return Err("must be a user, a colon and a password, without control characters".to_owned());
    }
    Ok(element.to_owned())
}

/// An `http` or `https` URL without a user or password in it.
pub(super) fn web_url(given: &Given) -> Result<String, String> {
    let text = text(given)?.trim().to_owned();
    let url = reqwest::Url::parse(&text).map_err(|error| format!("must be a URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("must begin with https:// or http://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user or a password".to_owned());
    }
    Ok(text)
}

/// Where a whole site is: an `http` or `https` URL without a path.
pub(super) fn site(given: &Given) -> Result<String, String> {
    let url = web_url(given)?;
    origin(url.strip_suffix('/').unwrap_or(&url))
}

/// One Redis URL, or several with commas between them.
pub(super) fn redis_url(given: &Given) -> Result<String, String> {
    let text = text(given)?.trim().to_owned();
    let sound = |url: &str| {
        let rest = url.strip_prefix("redis://").or_else(|| url.strip_prefix("rediss://"));
        rest.is_some_and(|rest| !rest.is_empty()) && url.into_connection_info().is_ok()
    };
    if text.split(',').map(str::trim).all(sound) {
        Ok(text)
    } else {
        Err("must be redis://host:port or rediss://host:port; several with commas between them".to_owned())
    }
}

/// The beginning of the names of keys: without braces, which mean a hash tag, and without spaces.
pub(super) fn redis_prefix(given: &Given) -> Result<String, String> {
    let text = text(given)?;
    let sound = text.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '{' | '}'));
    if sound && text.len() <= 64 {
        Ok(text)
    } else {
        Err("must be at most 64 printable ASCII characters without spaces and braces".to_owned())
    }
}

/// Certificates in PEM.
pub(super) fn certificates(given: &Given) -> Result<String, String> {
    let text = text(given)?;
    if text.contains("-----BEGIN CERTIFICATE-----") {
        Ok(text)
    } else {
        Err("must be certificates in PEM: give their file as redis_ca_file".to_owned())
    }
}

/// What `RUST_LOG` takes, without the spaces around commas: those make the library read another
/// target than the one that is written, or panic.
pub(super) fn log_filter(given: &Given) -> Result<String, String> {
    let text = text(given)?.split(',').map(str::trim).collect::<Vec<_>>().join(",");
    match tracing_subscriber::EnvFilter::builder().parse(&text) {
        Ok(_) => Ok(text),
        Err(_) => Err("must be a level or target=level, with commas between them, such as \
            \"info,callpop::webhook=debug\""
            .to_owned()),
    }
}

/// One of a few words.
pub(super) fn choice<T: Copy>(given: &Given, words: &[(&str, T)]) -> Result<T, String> {
    let names = || words.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let text = text(given).map_err(|_| format!("must be one of {}", names()))?;
    let text = text.trim();
    if let Some((_, meant)) = words.iter().find(|(name, _)| *name == text) {
        return Ok(*meant);
    }
    let near = nearest(text, words.iter().map(|(name, _)| *name));
    let hint = near.map_or_else(String::new, |(name, _)| format!("; did you mean \"{name}\"?"));
    Err(format!("not one of {}{hint}", names()))
}

/// The candidate most like a text, if any is somewhat like it, and how alike they are from 0 to 1.
pub(super) fn nearest<'a>(text: &str, candidates: impl Iterator<Item = &'a str>) -> Option<(&'a str, f64)> {
    let lower = text.to_lowercase();
    candidates
        .map(|candidate| (candidate, strsim::normalized_damerau_levenshtein(&lower, candidate)))
        .filter(|(_, likeness)| *likeness >= 0.4)
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};

    fn given(text: &str) -> Given {
        Given { raw: Raw::Variable(text.to_owned()), origin: None }
    }

    #[test]
    fn durations_have_a_unit() {
        let day = 24 * 60 * 60;
        for (text, millis) in [
            ("7d", 7 * day * 1000),
            ("3m", 180_000),
            ("0s", 0),
            ("250ms", 250),
            ("12h", 12 * 60 * 60 * 1000),
            ("3650d", 3650 * day * 1000),
        ] {
            assert_eq!(duration(&given(text)), Ok(Duration::from_millis(millis)), "{text}");
        }
        for bad in ["", "7", "d", "7 d", "-7d", "1.5h", "1h30m", "7D", "3651d", "99999999999999999999s", "7é"]
        {
            assert!(duration(&given(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn origins_are_written_as_browsers_do() {
        for (element, meant) in [
            ("https://Desk.Example.com", "https://desk.example.com"),
            ("https://desk.example.com:443", "https://desk.example.com"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:80", "http://[::1]"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ] {
            assert_eq!(origin(element).as_deref(), Ok(meant), "{element}");
        }
        for bad in [
            "",
            "null",
            "*",
            "https://*.example.com",
            "desk.example.com",
            "https://",
            "https://a/",
            "https://a/b",
            "https://a:",
            "https://a:0",
            "https://a:+1",
            "https://a:65536",
            "https://u@a",
            "https://[::1",
            "https://[x]",
            "https://é.example",
            "1https://a",
            "https://a?b",
            "https://a b",
        ] {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_network_is_truncated_and_an_address_is_one() {
        assert_eq!(network("10.1.2.3/8").map(|net| net.to_string()).as_deref(), Ok("10.0.0.0/8"));
        assert_eq!(network("::1").map(|net| net.to_string()).as_deref(), Ok("::1/128"));
        assert_eq!(network("::ffff:10.0.0.1").map(|net| net.to_string()).as_deref(), Ok("10.0.0.1/32"));
        assert_eq!(network("::ffff:10.0.0.0/104").map(|net| net.to_string()).as_deref(), Ok("10.0.0.0/8"));
        assert_eq!(network("::/0").map(|net| net.to_string()).as_deref(), Ok("::/0"));
        assert!(network("10.0.0.0/33").is_err());
        assert!(network("localhost").is_err());
    }

    #[test]
    fn lists_come_by_comma_by_line_or_as_toml() {
        let texts = |raw| list(&Given { raw, origin: None });
        let expected = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(texts(Raw::Variable(" a,,b ,".to_owned())), Ok(expected.clone()));
        assert_eq!(texts(Raw::Content("a\r\n\nb\n".to_owned())), Ok(expected));
        assert_eq!(texts(Raw::Variable(String::new())), Ok(Vec::new()));
        assert!(texts(Raw::Toml(Value::String("a".to_owned()))).is_err());
        assert!(texts(Raw::Toml(Value::Array(vec![Value::Integer(1)]))).is_err());
    }

    #[test]
    fn numbers_are_whole_and_bounded() {
        assert_eq!(number(&given(" 5 "), 0..=9), Ok(5));
        for bad in ["10", "-1", "1.0", "", "4294967296", "99999999999999999999"] {
            assert!(number(&given(bad), 0..=9).is_err(), "{bad}");
        }
    }

    #[test]
    fn spaces_in_a_log_filter_do_not_change_its_targets() {
        assert_eq!(log_filter(&given(" info , callpop=debug ")).as_deref(), Ok("info,callpop=debug"));
        assert!(log_filter(&given("\u{2000}\u{fb46}=")).is_ok(), "this made the library panic");
        assert!(log_filter(&given("callpop=loud")).is_err());
    }

    proptest! {
        #[test]
        fn nothing_that_is_written_makes_a_parser_panic(text in any::<String>()) {
            let given = given(&text);
            let _ = (duration(&given), socket(&given), header_name(&given), web_url(&given));
            let _ = (redis_url(&given), log_filter(&given), list(&given), boolean(&given));
            let _ = (origin(&text), origin(&format!("https://{text}")), network(&text), header_secret(&text));
            let _ = (site(&given), user_and_password(&text), size(&given, 1..=9));
        }
    }
}
