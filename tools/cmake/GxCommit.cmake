# Run at each build: cmake -DSOURCE=... -DHEADER=... -P GxCommit.cmake.  Which commit this is, for whoever reads a report of it; written only when it
# is another one, so that nothing else is built anew.
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=12 --match "v[0-9]*" OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE
    ERROR_QUIET RESULT_VARIABLE failed)
if(failed OR commit STREQUAL "")
    set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${HEADER} CONTENT "#define GX_COMMIT \"${commit}\"\n" @ONLY)
