// The entry point for Catch2 v2; v3 brings its own.
#if !__has_include(<catch_amalgamated.hpp>) && !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_MAIN
// Sandboxes and WebAssembly have no alternate signal stack, and a crash needs no second handler.
#define CATCH_CONFIG_NO_POSIX_SIGNALS
#include <catch2/catch.hpp>
#endif
