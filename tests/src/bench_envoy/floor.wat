;; What no filter in WebAssembly can do without: reading the headers. The words in
;; capitals stand for what some have the host do beside.
(module
  (import "env" "proxy_get_header_map_pairs"
    (func $header_pairs (param i32 i32 i32) (result i32)))
  (import "env" "proxy_call_foreign_function"
    (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_current_time_nanoseconds" (func $time (param i32) (result i32)))
  (import "env" "proxy_remove_header_map_value"
    (func $remove_header (param i32 i32 i32) (result i32)))
  (import "env" "proxy_set_property" (func $set_property (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 16)
  (data (i32.const 256) "verify_signature")
  (data (i32.const 288) "authorization")
  (data (i32.const 320) "doorward.decision")
  (data (i32.const 352) "RECORD")
  (data (i32.const 1024) "ARGUMENTS")
  (global $free (mut i32) (i32.const 65536))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_context_create") (param i32 i32))
  ;; Each request begins anew with the same memory.
  (func (export "proxy_on_memory_allocate") (param $size i32) (result i32)
    (local $start i32)
    (local.set $start (global.get $free))
    (global.set $free
      (i32.and (i32.add (i32.add (local.get $start) (local.get $size)) (i32.const 7)) (i32.const -8)))
    (local.get $start))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (global.set $free (i32.const 65536))
    (if (call $header_pairs (i32.const 0) (i32.const 0) (i32.const 4)) (then unreachable))
    VERIFY
    CALLS
    (i32.const 0))
  DELETE)
