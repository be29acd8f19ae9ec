//! Edgefold's interface for programs in WebAssembly, version 1, for Rust (edition 2021). Copy this file beside your program,
//! declare it by `mod edgefold;` in the root of the crate, and export what the program is used for by [`map_lines!`] or
//! [`map_batches!`], [`reduce!`] and [`combine!`].
//!
//! Lines, keys and values are bytes of the batch: nothing is decoded or copied unless you do. A panic ends the attempt, and its
//! message is the attempt's error.

#![allow(dead_code, unused_imports, unused_macros)]

use std::cell::UnsafeCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::ptr::copy_nonoverlapping;

mod host {
    #[link(wasm_import_module = "edgefold")]
    extern "C" {
        pub fn emit(address: *const u8, length: usize);
        pub fn counter(group: *const u8, group_length: usize, name: *const u8, name_length: usize, amount: i64);
        pub fn status(address: *const u8, length: usize);
        pub fn log(address: *const u8, length: usize);
        pub fn fail(address: *const u8, length: usize) -> !;
        pub fn arguments(address: *mut u8, room: usize) -> usize;
        pub fn environment(address: *mut u8, room: usize) -> usize;
        pub fn input_path(address: *mut u8, room: usize) -> usize;
    }
}

/// Bytes that are emitted at a time.
const OUTPUT_ROOM: usize = 64 * 1024;

/// Bytes of nearly all batches, at most.
const BATCH_ROOM: usize = 256 * 1024;

/// How many bytes short texts are copied at a time, and so how many more than theirs may be read and written.
const STEP: usize = 16;

/// Texts of up to so many bytes are copied in steps, which takes less time than a call of `memory.copy`.
const SHORT_TEXT: usize = 128;

/// The most bytes of the two lengths of a record.
const LENGTHS: usize = 10;

/// Exports a function that takes each line, without its newline, as the program's `map`. A second function, if there is one, is
/// called after the last line of all.
///
/// ```
/// edgefold::map_lines!(|line| edgefold::emit(line, b""));
/// ```
macro_rules! map_lines {
    ($map:expr $(, $end:expr)?) => {
        $crate::edgefold::map_batches!(|batch| $crate::edgefold::lines(batch).for_each($map) $(, $end)?);
    };
}

/// Exports a function that takes each batch of lines, all with their newlines, as the program's `map`. A second function, if
/// there is one, is called after the last batch.
macro_rules! map_batches {
    ($map:expr $(, $end:expr)?) => {
        const _: () = {
            #[export_name = "map"]
            unsafe extern "C" fn edgefold_map(address: *const u8, length: usize) {
                $crate::edgefold::take_batch(address, length, $map);
            }
            $(
                #[export_name = "map_end"]
                extern "C" fn edgefold_end() {
                    $end();
                    $crate::edgefold::flush();
                }
            )?
        };
    };
}

/// Exports a [`Reducer`] as the program's `reduce`. A function, if one follows, is called after the last key of all.
///
/// ```
/// edgefold::reduce!(Sum);
/// ```
macro_rules! reduce {
    ($reducer:ty $(, $end:expr)?) => {
        $crate::edgefold::fold!("reduce", "reduce_end", $reducer $(, $end)?);
    };
}

/// Exports a [`Reducer`] as the program's `combine`, whose output is reduced again. A function, if one follows, is called after
/// the last key of all.
macro_rules! combine {
    ($reducer:ty $(, $end:expr)?) => {
        $crate::edgefold::fold!("combine", "combine_end", $reducer $(, $end)?);
    };
}

macro_rules! fold {
    ($take_name:literal, $end_name:literal, $reducer:ty $(, $end:expr)?) => {
        const _: () = {
            static EDGEFOLD: $crate::edgefold::Global<$crate::edgefold::Fold<$reducer>> =
                $crate::edgefold::Global::new($crate::edgefold::Fold::new());
            #[export_name = $take_name]
            unsafe extern "C" fn edgefold_take(address: *const u8, length: usize) {
                $crate::edgefold::take_batch(address, length, |batch| EDGEFOLD.get().take(batch));
            }
            #[export_name = $end_name]
            unsafe extern "C" fn edgefold_end() {
                EDGEFOLD.get().end();
                $( $end(); )?
                $crate::edgefold::flush();
            }
        };
    };
}

pub(crate) use {combine, fold, map_batches, map_lines, reduce};

/// Takes the values of one key. Each key has a reducer of its own, which lasts if its values come in several batches.
pub trait Reducer: Sized {
    /// Begins a key. Keys come in the order of their bytes.
    fn start(key: &[u8]) -> Self;

    /// Takes one of its values.
    fn value(&mut self, key: &[u8], value: &[u8]);

    /// Ends the key, after its last value.
    fn end(self, _key: &[u8]) {}
}

/// Emits a record.
#[inline]
pub fn emit(key: &[u8], value: &[u8]) {
    let most = key.len() + value.len() + LENGTHS;
    // SAFETY: no reference to the output outlives the line it is in, and there is room for the record.
    unsafe {
        if most > OUTPUT_ROOM - OUTPUT.get().length {
            flush();
            if most > OUTPUT_ROOM {
                return emit_long(key, value);
            }
        }
        let output = OUTPUT.get();
        let to = output.bytes.as_mut_ptr();
        output.length = put(to, put(to, output.length, key), value);
    }
}

/// Emits a record whose value is a decimal number.
pub fn emit_number(key: &[u8], value: i64) {
    let mut text = [0; 20];
    let mut at = text.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        text[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        at -= 1;
        text[at] = b'-';
    }
    emit(key, &text[at..]);
}

/// Reads a decimal number of 64 bits. Fails the attempt for anything else.
pub fn parse_number(text: &[u8]) -> i64 {
    const MOST: u64 = i64::MAX as u64;
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let mut value = 0;
    let mut is_number = !digits.is_empty();
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        is_number &= digit < 10 && value <= MOST / 10;
        value = value.wrapping_mul(10).wrapping_add(digit.into());
    }
    if !is_number || value > MOST + u64::from(is_negative) {
        fail(&format!("{:?} is no number of 64 bits", String::from_utf8_lossy(text)));
    }
    if is_negative {
        value.wrapping_neg() as i64
    } else {
        value as i64
    }
}

/// The lines of a batch, without their newlines.
pub fn lines(batch: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = batch;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = find(rest, b'\n');
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(line)
    })
}

/// Looks for a byte. Returns where it is, or the length of the text if it is nowhere.
#[inline]
pub fn find(text: &[u8], byte: u8) -> usize {
    let mut at = 0;
    #[cfg(target_feature = "simd128")]
    {
        use std::arch::wasm32::{i8x16_bitmask, i8x16_eq, u8x16_splat, v128, v128_load};
        let wanted = u8x16_splat(byte);
        while at + 16 <= text.len() {
            // SAFETY: these 16 bytes are in the text.
            let bytes = unsafe { v128_load(text.as_ptr().add(at) as *const v128) };
            let found = i8x16_bitmask(i8x16_eq(bytes, wanted));
            if found != 0 {
                return at + found.trailing_zeros() as usize;
            }
            at += 16;
        }
    }
    while at < text.len() && text[at] != byte {
        at += 1;
    }
    at
}

/// Adds to a counter of the job.
pub fn counter(group: &str, name: &str, amount: i64) {
    // SAFETY: the host reads the texts during the call, as in all the functions below.
    unsafe { host::counter(group.as_ptr(), group.len(), name.as_ptr(), name.len(), amount) }
}

/// Says what the task is doing.
pub fn status(text: &str) {
    unsafe { host::status(text.as_ptr(), text.len()) }
}

/// Writes a line to the attempt's log.
pub fn log(text: &str) {
    let line = format!("{text}\n");
    unsafe { host::log(line.as_ptr(), line.len()) }
}

/// Ends the attempt with an error.
pub fn fail(text: &str) -> ! {
    unsafe { host::fail(text.as_ptr(), text.len()) }
}

/// The program's arguments.
pub fn arguments() -> Vec<String> {
    texts(host::arguments)
}

/// The program's environment: values by name.
pub fn environment() -> BTreeMap<String, String> {
    let split = |text: String| text.split_once('=').map(|(name, value)| (name.into(), value.into()));
    texts(host::environment).into_iter().filter_map(split).collect()
}

/// The address of the object that the lines of the batch come from; empty in `reduce` and `combine`.
pub fn input_path() -> String {
    String::from_utf8_lossy(&given(host::input_path)).into_owned()
}

/// Hands over what was emitted.
pub fn flush() {
    // SAFETY: nothing else refers to the output, and the host has copied it when the call returns.
    let output = unsafe { OUTPUT.get() };
    if output.length > 0 {
        unsafe { host::emit(output.bytes.as_ptr(), output.length) };
        output.length = 0;
    }
}

/// A variable. Programs have one thread.
pub struct Global<T>(UnsafeCell<T>);

// SAFETY: there is no other thread that it could be shared with.
unsafe impl<T> Sync for Global<T> {}

impl<T> Global<T> {
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// # Safety
    /// What it returned before must not be used any more.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn get(&self) -> &mut T {
        &mut *self.0.get()
    }
}

/// Records that were emitted, and not yet handed over.
struct Output {
    bytes: [u8; OUTPUT_ROOM + STEP],
    length: usize,
}

static OUTPUT: Global<Output> = Global::new(Output { bytes: [0; OUTPUT_ROOM + STEP], length: 0 });

/// Where the host puts batches.
struct Batch {
    address: *mut u8,
    /// Bytes of the largest batch that fits. Behind them is one step.
    room: usize,
}

static BATCH: Global<Batch> = Global::new(Batch { address: std::ptr::null_mut(), room: 0 });

#[export_name = "edgefold_abi"]
extern "C" fn edgefold_abi() -> i32 {
    // The host calls this first.
    std::panic::set_hook(Box::new(|panic| fail(&panic.to_string())));
    1
}

#[export_name = "input"]
extern "C" fn input(length: usize) -> *mut u8 {
    // SAFETY: the host calls it when no batch is being taken.
    let batch = unsafe { BATCH.get() };
    if length > batch.room {
        if batch.room > 0 {
            // SAFETY: it was made below, with this length.
            drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(batch.address, batch.room + STEP)) });
        }
        batch.room = length.max(BATCH_ROOM);
        batch.address = Box::into_raw(vec![0; batch.room + STEP].into_boxed_slice()) as *mut u8;
    }
    batch.address
}

/// Calls a function for a batch, and hands over what it emits.
///
/// # Safety
/// There must be a batch.
pub unsafe fn take_batch(address: *const u8, length: usize, take: impl FnOnce(&[u8])) {
    take(std::slice::from_raw_parts(address, length));
    flush();
}

/// Writes the length of a text, and the text, at `to[at..]`. Returns where it ends.
///
/// # Safety
/// There must be room for both, and one step more.
#[inline(always)]
unsafe fn put(to: *mut u8, mut at: usize, text: &[u8]) -> usize {
    let mut rest = text.len();
    while rest >= 0x80 {
        *to.add(at) = rest as u8 | 0x80;
        at += 1;
        rest >>= 7;
    }
    *to.add(at) = rest as u8;
    at += 1;
    let batch = &*BATCH.0.get();
    let offset = (text.as_ptr() as usize).wrapping_sub(batch.address as usize);
    if text.len() <= SHORT_TEXT && offset < batch.room {
        // What is copied too much is overwritten, or lies behind the room.
        let mut copied = 0;
        loop {
            copy_nonoverlapping(batch.address.add(offset + copied), to.add(at + copied), STEP);
            copied += STEP;
            if copied >= text.len() {
                break;
            }
        }
    } else {
        copy_nonoverlapping(text.as_ptr(), to.add(at), text.len());
    }
    at + text.len()
}

#[cold]
fn emit_long(key: &[u8], value: &[u8]) {
    let mut record = Vec::with_capacity(key.len() + value.len() + LENGTHS + STEP);
    // SAFETY: there is room for the record, and `put` fills all of it.
    unsafe {
        let to = record.as_mut_ptr();
        record.set_len(put(to, put(to, 0, key), value));
        host::emit(record.as_ptr(), record.len());
    }
}

/// Gives the values of a batch to the reducers of their keys.
pub struct Fold<R> {
    /// The last key of the previous batch, which can go on.
    key: Vec<u8>,
    /// The reducer of that key.
    reducer: Option<R>,
}

impl<R: Reducer> Fold<R> {
    pub const fn new() -> Self {
        Self { key: Vec::new(), reducer: None }
    }

    /// Takes a batch of pieces: a key, unless it is the previous one's, and one or more values.
    pub fn take(&mut self, batch: &[u8]) {
        let mut rest = batch;
        let mut key: &[u8] = &self.key;
        let mut current = self.reducer.take();
        while !rest.is_empty() {
            let head = varint(&mut rest);
            let kind = head & 6;
            if kind != 4 {
                let next = bytes(&mut rest, head >> 3);
                if kind == 0 {
                    if let Some(ended) = current.take() {
                        ended.end(key);
                    }
                    current = Some(R::start(next));
                }
                key = next;
            }
            let reducer = current.as_mut().expect("a batch begins with a key");
            if head & 1 == 1 {
                let length = varint(&mut rest);
                reducer.value(key, bytes(&mut rest, length));
                continue;
            }
            varint(&mut rest);
            let length = varint(&mut rest);
            let mut values = bytes(&mut rest, length);
            while !values.is_empty() {
                let length = varint(&mut values);
                reducer.value(key, bytes(&mut values, length));
            }
        }
        self.key = key.to_vec();
        self.reducer = current;
    }

    /// Ends the last key.
    pub fn end(&mut self) {
        if let Some(ended) = self.reducer.take() {
            ended.end(&self.key);
        }
    }
}

#[inline(always)]
fn bytes<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, others) = rest.split_at(length);
    *rest = others;
    taken
}

#[inline(always)]
fn varint(rest: &mut &[u8]) -> usize {
    let mut number = 0;
    let mut shift = 0;
    loop {
        let byte = rest[0];
        *rest = &rest[1..];
        number |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return number;
        }
        shift += 7;
    }
}

/// What a function of the host writes, after it has said how many bytes there are.
fn given(read: unsafe extern "C" fn(*mut u8, usize) -> usize) -> Vec<u8> {
    // SAFETY: it writes nothing if there is less room than it needs.
    unsafe {
        let mut text = vec![0; read(std::ptr::null_mut(), 0)];
        read(text.as_mut_ptr(), text.len());
        text
    }
}

/// Texts that each end with a zero byte.
fn texts(read: unsafe extern "C" fn(*mut u8, usize) -> usize) -> Vec<String> {
    let all = given(read);
    let mut parts: Vec<String> = all.split(|&byte| byte == 0).map(|text| String::from_utf8_lossy(text).into_owned()).collect();
    parts.pop();
    parts
}
