//! Which of a file's representations a client gets: the content coding that it likes best of those
//! that were made when the web client was built (RFC 9110, 12.5.3).

use axum::http::{HeaderMap, header};

/// How a file was compressed; the smallest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Brotli,
    Gzip,
    Identity,
}

const ALL: [Coding; 3] = [Coding::Brotli, Coding::Gzip, Coding::Identity];
/// A weight of 1, in thousandths.
const FULL: u16 = 1000;

impl Coding {
    /// What the header says, where it says anything.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }

    /// What the file's name ends with.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
            Self::Identity => "",
        }
    }

    /// Whether the file of that name is another's representation.
    pub(crate) fn is_of_another(path: &str) -> bool {
        [Self::Brotli, Self::Gzip].into_iter().any(|coding| path.ends_with(coding.suffix()))
    }

    fn is_called(self, name: &str) -> bool {
        match self {
            Self::Brotli => name.eq_ignore_ascii_case("br"),
            Self::Gzip => name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip"),
            Self::Identity => name.eq_ignore_ascii_case("identity"),
        }
    }
}

/// The codings that a request takes, the best first. The plain file comes last also where it is refused: it is
/// of more use than an error.
pub(crate) fn accepted(request: &HeaderMap) -> Vec<Coding> {
    let mut weights: [Option<u16>; 3] = [None; 3];
    let mut any = None;
    let lines = request.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|line| line.to_str().ok());
    for (name, weight) in lines.flat_map(|line| line.split(',')).filter_map(weighed) {
        for (coding, known) in ALL.into_iter().zip(&mut weights) {
            if coding.is_called(name) {
                *known = Some(weight);
            }
        }
        if name == "*" {
            any = Some(weight);
        }
    }
    let weight = |coding: Coding, given: Option<u16>| {
        // What is not spoken of is not taken, but for the plain file.
        given.or(any).unwrap_or(u16::from(coding == Coding::Identity))
    };
    let mut taken: Vec<(Coding, u16)> =
        ALL.into_iter().zip(weights).map(|(coding, given)| (coding, weight(coding, given))).collect();
    taken.retain(|(coding, weight)| *weight > 0 || *coding == Coding::Identity);
    taken.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    taken.into_iter().map(|(coding, _)| coding).collect()
}

/// A coding's name and its weight in thousandths; none where it cannot be read.
fn weighed(item: &str) -> Option<(&str, u16)> {
    let mut parts = item.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let mut weight = FULL;
    for part in parts {
        let (key, value) = part.split_once('=')?;
        if key.trim().eq_ignore_ascii_case("q") {
            let value: f32 = value.trim().parse().ok().filter(|value| (0.0..=1.0).contains(value))?;
            weight = (value * f32::from(FULL)) as u16;
        }
    }
    Some((name, weight))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Coding::{Brotli, Gzip, Identity};
    use proptest::prelude::{any, proptest};

    fn of(lines: &[&str]) -> Vec<Coding> {
        let mut request = HeaderMap::new();
        for line in lines {
            if let Ok(line) = line.parse() {
                request.append(header::ACCEPT_ENCODING, line);
            }
        }
        accepted(&request)
    }

    #[test]
    fn the_best_that_is_taken_comes_first() {
        for (asked, taken) in [
            ("gzip, deflate, br, zstd", vec![Brotli, Gzip, Identity]),
            ("gzip;q=1.0, br;q=0.8", vec![Gzip, Brotli, Identity]),
            ("BR , X-GZIP;Q=0.5", vec![Brotli, Gzip, Identity]),
            ("gzip", vec![Gzip, Identity]),
            ("br;q=0, gzip", vec![Gzip, Identity]),
            ("br;q=0.000, gzip;q=0", vec![Identity]),
            ("identity, br;q=0.5", vec![Identity, Brotli]),
            ("identity;q=0.5, br;q=0.5", vec![Brotli, Identity]),
            ("*", vec![Brotli, Gzip, Identity]),
            ("*;q=0.1, br;q=0", vec![Gzip, Identity]),
            ("gzip, *;q=0", vec![Gzip, Identity]),
            ("*;q=0", vec![Identity]),
            ("identity;q=0", vec![Identity]),
            ("identity;q=0, gzip;q=0.001", vec![Gzip, Identity]),
            ("deflate, zstd", vec![Identity]),
            ("", vec![Identity]),
            ("br;q=2, gzip;q=x, ;q=1, br;level", vec![Identity]),
        ] {
            assert_eq!(of(&[asked]), taken, "{asked:?}");
        }
        assert_eq!(of(&[]), [Identity]);
        assert_eq!(of(&["gzip", "br"]), [Brotli, Gzip, Identity], "two lines are one list");
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_there_is_an_answer(asked in any::<String>()) {
            assert!(of(&[&asked]).contains(&Identity));
        }
    }
}
