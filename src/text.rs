//! Texts as people's editors save them.

/// What Windows' editors, and Excel, write before UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();
/// The same before UTF-16, by either order of its bytes.
const UTF_16: [&[u8]; 2] = [&[0xff, 0xfe], &[0xfe, 0xff]];

/// A text without the byte order mark that it may begin with: it is no part of what was written.
pub(crate) fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(MARK).unwrap_or(text)
}

/// The same as UTF-8.
///
/// # Errors
/// It is none; in words that say what to do.
pub(crate) fn utf_8(text: &[u8]) -> Result<&str, &'static str> {
    if UTF_16.iter().any(|mark| text.starts_with(mark)) {
        return Err("it is UTF-16: save it as UTF-8");
    }
    std::str::from_utf8(without_mark(text)).map_err(|_| "not UTF-8 text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_left_out_once_and_only_where_a_text_begins() {
        assert_eq!(utf_8("\u{feff}a\u{feff}".as_bytes()), Ok("a\u{feff}"));
        assert_eq!(utf_8(b"a"), Ok("a"));
        assert_eq!(utf_8(b""), Ok(""));
        assert_eq!(utf_8(b"\xff\xfea\0"), Err("it is UTF-16: save it as UTF-8"));
        assert_eq!(utf_8(b"\xfe\xff\0a"), Err("it is UTF-16: save it as UTF-8"));
        assert_eq!(utf_8(b"\xef\xbb"), Err("not UTF-8 text"));
    }
}
