#!/bin/sh
# Compiles the examples in Rust and C. Usage: build.sh [FOLDER [LANGUAGE]]
# LANGUAGE is rust or c; by default, both that have a compiler here. Programs come to FOLDER/LANGUAGE, by default beside their
# sources. RUSTC and CLANG are the compilers, by default rustc and clang.
set -eu
cd "$(dirname "$0")"
folder=${1:-.}
language=${2:-}
rustc=${RUSTC:-rustc}
clang=${CLANG:-clang}

# Whether rustc has a standard library for a target.
has_target() {
  test -d "$("$rustc" --print sysroot)/lib/rustlib/$1/lib"
}

build_rust() {
  if ! command -v "$rustc" > /dev/null; then
    echo "There is no $rustc: the examples in Rust are left out." >&2
    return
  fi
  # Before Rust 1.78, the target for commands had another name.
  wasi=wasm32-wasip1
  has_target $wasi || wasi=wasm32-wasi
  for target in wasm32-unknown-unknown $wasi; do
    has_target $target && continue
    echo "$rustc has no target $target (rustup target add wasm32-unknown-unknown wasm32-wasip1): Rust is left out." >&2
    return
  done
  mkdir -p "$folder/rust"
  for source in rust/*.rs; do
    case $source in
      *-command.rs) kind="--target $wasi -C lto" ;;
      *) kind="--target wasm32-unknown-unknown --crate-type cdylib" ;;
    esac
    # shellcheck disable=SC2086 # The kind is several words.
    "$rustc" --edition 2021 -C opt-level=3 -C strip=debuginfo -C target-feature=+simd128,+bulk-memory \
      $kind "$source" -o "$folder/${source%.rs}.wasm"
  done
}

build_c() {
  if ! "$clang" --print-targets 2> /dev/null | grep -q wasm32; then
    echo "There is no $clang for WebAssembly: the examples in C are left out." >&2
    return
  fi
  mkdir -p "$folder/c"
  object=$(mktemp)
  for source in c/*.c; do
    # In two steps, since clang runs a wasm-opt that it happens to find when it links with -O.
    "$clang" --target=wasm32 -std=c11 -O3 -mbulk-memory -msimd128 -c "$source" -o "$object"
    "$clang" --target=wasm32 -nostdlib -Wl,--no-entry "$object" -o "$folder/${source%.c}.wasm"
  done
  rm "$object"
}

for each in ${language:-rust c}; do
  "build_$each"
done
