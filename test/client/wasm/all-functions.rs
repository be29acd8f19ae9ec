//! Uses what the examples do not.
#[path = "../../../client/wasm/rust/edgefold.rs"]
mod edgefold;

use std::cell::Cell;

thread_local! {
    static LINES: Cell<i64> = Cell::new(0);
}

fn map(line: &[u8]) {
    match line {
        b"fail" => edgefold::fail("no column 7"),
        b"panic" => panic!("no column 8"),
        _ => LINES.with(|lines| lines.set(lines.get() + 1)),
    }
    edgefold::log("said");
    edgefold::status("at work");
    edgefold::counter("group", "näme", -3);
    let task = &edgefold::environment()["EDGEFOLD_TASK"];
    let found = format!("{}|{}|{}", edgefold::arguments().join("|"), task, edgefold::input_path());
    edgefold::emit(found.as_bytes(), b"");
}

fn end() {
    edgefold::emit_number(b"lines", LINES.with(Cell::get));
}

/// Emits each value as a number.
struct Numbers;

impl edgefold::Reducer for Numbers {
    fn start(key: &[u8]) -> Self {
        edgefold::emit(b"start", key);
        Numbers
    }

    fn value(&mut self, key: &[u8], value: &[u8]) {
        edgefold::emit_number(key, edgefold::parse_number(value));
    }

    fn end(self, key: &[u8]) {
        edgefold::emit(b"end", key);
    }
}

edgefold::map_lines!(map, end);
edgefold::reduce!(Numbers, || edgefold::emit(b"all", b""));
