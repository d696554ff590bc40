# SPDX-License-Identifier: MIT
#
# What a build for users gets: the compiler's and linker's protections, each
# where it is supported. Not for Debug (fortification needs the optimiser) and
# not beside sanitizers, which replace the functions that it checks.

foreach(flag -fstack-protector-strong -fstack-clash-protection
             -fcf-protection)
    string(MAKE_C_IDENTIFIER "SPULL_HAVE${flag}" have)
    set(CMAKE_REQUIRED_FLAGS -Werror)
    check_c_compiler_flag(${flag} ${have})
    unset(CMAKE_REQUIRED_FLAGS)
    if(${have})
        target_compile_options(spull_flags INTERFACE ${flag})
    endif()
endforeach()

# Level 3 takes a compiler and a C library that both know it.
set(CMAKE_REQUIRED_FLAGS "-O2 -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
check_c_source_compiles("
    #include <string.h>
    #if !defined(__USE_FORTIFY_LEVEL) || __USE_FORTIFY_LEVEL < 3
    #error level 3 is not there
    #endif
    int main(void) { return 0; }" SPULL_HAVE_FORTIFY_3)
unset(CMAKE_REQUIRED_FLAGS)
set(fortify 2)
if(SPULL_HAVE_FORTIFY_3)
    set(fortify 3)
endif()
# Some distributions predefine it; a second definition would be a warning.
target_compile_options(spull_flags INTERFACE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=${fortify})

target_link_options(spull_flags INTERFACE
    LINKER:-z,relro,-z,now,-z,noexecstack)
