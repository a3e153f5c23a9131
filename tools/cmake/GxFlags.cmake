# gx_flags: how everything here is compiled.  GX_SANITIZE=ON adds ASan and UBSan, GX_COVERAGE=ON gcov, GX_FUZZ=ON (clang) what libFuzzer needs, and both sanitizers.
option(GX_SANITIZE "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(GX_FUZZ "Build for tests/fuzz under libFuzzer, with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(GX_COVERAGE "Build with gcov instrumentation" OFF)

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
# Assertions of broken invariants stay on in Release: NDEBUG is never defined.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(gx_flags INTERFACE)
target_compile_definitions(gx_flags INTERFACE _GNU_SOURCE)
target_compile_options(gx_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wstrict-prototypes
    -Wmissing-prototypes -Wformat=2 -Wundef -Wvla -Wswitch-enum -Wimplicit-fallthrough -Wnull-dereference
    -Werror=incompatible-pointer-types -Werror=implicit-function-declaration)
option(GX_WERROR "Treat warnings as errors" OFF)
if(GX_WERROR)
    target_compile_options(gx_flags INTERFACE -Werror)
endif()

if(GX_SANITIZE OR GX_COVERAGE)
    target_compile_definitions(gx_flags INTERFACE GX_INSTRUMENTED)      # node/os/fence.c leaves room for it
endif()
if(GX_SANITIZE)
    target_compile_options(gx_flags INTERFACE -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all)
    # Tests start the program two thousand times.  At its end all globals are searched for leaks, and a shared libubsan has 6 MB of them; at its
    # start the sanitizer's description of them would have to be relocated.
    target_link_options(gx_flags INTERFACE -fsanitize=address,undefined -no-pie $<$<C_COMPILER_ID:GNU>:-static-libubsan>)
elseif(GX_FUZZ)
    # Each comparison of numbers noted takes half of a target's time, and what is looked for are places, not numbers; compared bytes are learned all the same.
    target_compile_options(gx_flags INTERFACE -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
        -fno-sanitize-coverage=trace-cmp -Wno-string-conversion -Wno-format-nonliteral)
    target_link_options(gx_flags INTERFACE -fsanitize=address,undefined)
elseif(GX_COVERAGE)
    target_compile_options(gx_flags INTERFACE -O0 -g --coverage)
    target_link_options(gx_flags INTERFACE --coverage)
else()
    target_compile_options(gx_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
        -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE)
    target_link_options(gx_flags INTERFACE -pie -Wl,-z,relro,-z,now)
endif()
