# The libraries we stand on, each as an imported target.  Debian packages: tools/packages lists them.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(gx_pkg target module)
    pkg_check_modules(${target} REQUIRED IMPORTED_TARGET GLOBAL ${module})
    add_library(Gx::${target} ALIAS PkgConfig::${target})
endfunction()

gx_pkg(zmq libzmq)
gx_pkg(sodium libsodium)
gx_pkg(jansson jansson)
gx_pkg(qrencode libqrencode)
gx_pkg(zbar zbar)
gx_pkg(bsd libbsd)
gx_pkg(seccomp libseccomp)
pkg_check_modules(stb REQUIRED stb)
add_library(gx_stb INTERFACE)          # headers alone: node/os/picture.c compiles its own copy
target_include_directories(gx_stb SYSTEM INTERFACE ${stb_INCLUDE_DIRS})
add_library(Gx::stb ALIAS gx_stb)
gx_pkg(lmdb lmdb)
add_library(Gx::threads ALIAS Threads::Threads)
