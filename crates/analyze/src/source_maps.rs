//! Source maps (ECMA-426): from a place in a minified script to the place in the source that it was made from.

use std::{collections::BTreeMap, fmt, sync::Arc};

use sourcemap::{DecodedMap, SourceView};

/// Maps of the scripts that call sites name.
#[derive(Default)]
pub struct SourceMaps {
    /// By the last segment of the script's path, then by the whole of it, as the directory with the maps has it.
    scripts: BTreeMap<Box<str>, BTreeMap<Box<str>, Script>>,
}

#[derive(Default)]
struct Script {
    map: Option<DecodedMap>,
    /// The minified text: with it names of functions are found, too.
    text: Option<SourceView>,
}

impl fmt::Debug for SourceMaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.scripts.values().flat_map(BTreeMap::keys)).finish()
    }
}

/// A place in a source, one-based as editors count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// Path of the source, without the bundler's prefix.
    pub path: String,
    /// Line.
    pub line: u32,
    /// The function's name in the source, where that can be told.
    pub function: Option<String>,
}

impl SourceMaps {
    /// Whether there is no map.
    pub fn is_empty(&self) -> bool {
        self.scripts.is_empty()
    }

    /// How many scripts have a map.
    pub fn len(&self) -> usize {
        self.scripts.values().flat_map(BTreeMap::values).filter(|script| script.map.is_some()).count()
    }

    /// Adds the map of the script at `path`, relative to the directory: `assets/app.3f2a.js` for `assets/app.3f2a.js.map`.
    ///
    /// # Errors
    /// Where `json` is no source map; the reason.
    pub fn add_map(&mut self, path: &str, json: &[u8]) -> Result<(), String> {
        let map = sourcemap::decode_slice(json).map_err(|error| error.to_string())?;
        self.script(path).map = Some(map);
        Ok(())
    }

    /// Adds the minified text of the script at `path`.
    pub fn add_script(&mut self, path: &str, text: &str) {
        self.script(path).text = Some(SourceView::new(Arc::from(text)));
    }

    fn script(&mut self, path: &str) -> &mut Script {
        self.scripts.entry(last(path).into()).or_default().entry(path.into()).or_default()
    }

    /// Where the call at `line` and `column` (zero-based) of the script at `url` stands in its source; `function` is the
    /// name that the minified script gives to the function around it.
    pub fn original(&self, url: &str, line: u32, column: u32, function: &str) -> Option<Original> {
        let script = self.find(url)?;
        let map = script.map.as_ref()?;
        let token = map.lookup_token(line, column).filter(|token| token.get_dst_line() == line)?;
        let named = || map.get_original_function_name(line, column, Some(function), script.text.as_ref());
        let function = Some(function).filter(|name| !name.is_empty()).and_then(|_| named());
        Some(Original {
            path: bare(token.get_source()?).to_owned(),
            line: token.get_src_line().saturating_add(1),
            function: function.map(str::to_owned),
        })
    }

    /// The script whose path shares most segments with the URL's from the end; `None` where two share as many.
    fn find(&self, url: &str) -> Option<&Script> {
        let path = url.split(['?', '#']).next().unwrap_or(url);
        let scripts = self.scripts.get(last(path))?;
        let shared = |other: &str| path.rsplit('/').zip(other.rsplit('/')).take_while(|(a, b)| a == b).count();
        let most = scripts.keys().map(|other| shared(other)).max()?;
        let mut best = scripts.iter().filter(|(other, _)| shared(other) == most);
        let found = best.next()?.1;
        best.next().is_none().then_some(found)
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `webpack://shop/./src/api.ts` and `../../src/api.ts` both mean `src/api.ts`.
fn bare(source: &str) -> &str {
    let path = match source.split_once("://") {
        // Behind the scheme stands the bundle's name, or nothing.
        Some((_, rest)) => rest.split_once('/').map_or(rest, |(_, path)| path),
        None => source,
    };
    let mut path = path.split('?').next().unwrap_or(path);
    while let Some(rest) = ["./", "../", "/"].iter().find_map(|start| path.strip_prefix(start)) {
        path = rest;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `function n(){t()}` on one line, from line 12 of `src/api.ts`.
    const MAP: &str = r#"{"version":3,"file":"app.js","sources":["webpack://shop/./src/api.ts"],"names":["callApi","send"],"mappings":"AAWAA,IAAKC"}"#;

    #[test]
    fn places_are_mapped_by_the_longest_common_end() {
        let mut maps = SourceMaps::default();
        maps.add_map("assets/app.js", MAP.as_bytes()).unwrap();
        let found = maps.original("https://x.dev/static/assets/app.js?v=1", 0, 3, "n").unwrap();
        assert_eq!((found.path.as_str(), found.line), ("src/api.ts", 12));
        assert!(maps.original("https://x.dev/other.js", 0, 3, "n").is_none());
        assert!(maps.original("https://x.dev/assets/app.js", 9, 3, "n").is_none(), "a line without mappings");
        maps.add_map("old/app.js", MAP.as_bytes()).unwrap();
        assert!(maps.original("https://x.dev/app.js", 0, 3, "n").is_none(), "two scripts of one name");
        assert!(maps.original("https://x.dev/old/app.js", 0, 3, "n").is_some());
        assert_eq!(maps.len(), 2);
    }

    #[test]
    fn bundlers_prefixes_are_taken_off() {
        for (source, path) in [
            ("webpack://shop/./src/api.ts", "src/api.ts"),
            ("webpack:///./src/api.ts?ab12", "src/api.ts"),
            ("../../src/api.ts", "src/api.ts"),
            ("/src/api.ts", "src/api.ts"),
            ("api.ts", "api.ts"),
        ] {
            assert_eq!(bare(source), path);
        }
    }

    #[test]
    fn what_is_no_map_is_refused() {
        let mut maps = SourceMaps::default();
        for text in ["", "{}", "[1]", r#"{"version":3,"sources":["a"],"mappings":"gggggggggggggggg"}"#, "\u{0}"] {
            let _ = maps.add_map("a.js", text.as_bytes());
        }
        assert!(maps.add_map("a.js", b"no map").is_err());
        assert!(maps.original("https://x.dev/a.js", 0, 0, "").is_none());
    }
}
