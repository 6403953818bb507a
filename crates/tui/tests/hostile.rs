//! What a capture says does not drive the terminal: no control, hidden or turning character reaches a cell.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests read and write captures and may panic")]

mod support;

use authtrace_report::is_hidden;
use authtrace_tui::{Message, Setup, screen::Screen as Name};
use support::Screen;

/// One entry whose every field is hostile.
fn hostile(field: &str) -> String {
    let json = |text: &str| text.chars().map(|c| format!("\\u{:04x}", c as u32)).collect::<String>();
    let evil = json(field);
    format!(
        r#"{{"log":{{"version":"1.2","creator":{{"name":"{evil}","version":"1"}},"entries":[
        {{"startedDateTime":"2026-11-21T10:00:00.000Z","time":20,"pageref":"{evil}","_resourceType":"fetch",
          "_initiator":{{"type":"script","stack":{{"callFrames":[{{"functionName":"{evil}","url":"http://a/{evil}","lineNumber":1}}]}}}},
          "request":{{"method":"GET","url":"http://localhost:8000/a/{evil}?{evil}=1","httpVersion":"HTTP/1.1",
            "headers":[{{"name":"User-Agent","value":"{evil}"}},{{"name":"X-{evil}","value":"{evil}"}},{{"name":"Cookie","value":"{evil}=1"}},
              {{"name":"Authorization","value":"{evil} {evil}"}}]}},
          "response":{{"status":401,"headers":[{{"name":"Set-Cookie","value":"sid=1; Path={evil}"}}],
            "content":{{"mimeType":"application/json","size":10,"text":"{{\"detail\":\"{evil}\",\"{evil}\":[\"{evil}\"]}}"}}}}}}]}}}}"#
    )
}

#[test]
fn no_field_drives_the_terminal() {
    let directory = std::env::temp_dir().join(format!("authtrace-tui-hostile-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let fields = [
        "\u{1b}[31mred\u{1b}]0;title\u{7}",
        "\u{202e}backwards\u{2066}",
        "\u{9b}2J\r\nnew line\tand tab",
        "a\u{300}\u{301}\u{302}combining",
        "日本語テキスト",
        "שלום עולם",
        "\u{200b}\u{feff}nothing",
        &"long".repeat(500),
    ];
    for (number, field) in fields.iter().enumerate() {
        let path = directory.join(format!("{number}.har"));
        std::fs::write(&path, hostile(field)).unwrap();
        let mut screen = Screen::open(std::slice::from_ref(&path), Setup::default(), 120, 40);
        for (number, (width, height)) in (0..24).zip([(80, 24), (120, 40), (200, 60)].into_iter().cycle()) {
            let name = Name::ALL[number / 3];
            screen.tell(Message::Resize(width, height));
            screen.press(&(name.index() + 1).to_string());
            for keys in ["", "tab G", "tab", "2 enter", "/"] {
                screen.press(keys);
                for cell in &screen.buffer().content {
                    let hidden = cell.symbol().chars().any(|c| is_hidden(c) && c != '\u{fe0f}');
                    assert!(!hidden, "{name:?}, {field:?}: {:?}", cell.symbol());
                }
            }
            screen.press("esc");
        }
    }
    std::fs::remove_dir_all(&directory).unwrap();
}
