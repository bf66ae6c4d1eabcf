# Foreign libraries.  Sets TUTTI_LIBRARIES (link these), TUTTI_PLUG_DEFINITIONS (for
# src/plug/plugs.c), TUTTI_PLUGS_ABSENT (folders of src/plug to leave out) and
# TUTTI_PC_LIBS (for the pkg-config file).

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PNG REQUIRED)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(TURBOJPEG REQUIRED IMPORTED_TARGET libturbojpeg)
pkg_check_modules(ARCHIVE REQUIRED IMPORTED_TARGET libarchive)

set(TUTTI_LIBRARIES PkgConfig::YAML PkgConfig::JANSSON PkgConfig::TURBOJPEG PkgConfig::ARCHIVE
	PNG::PNG ZLIB::ZLIB Threads::Threads m)
set(TUTTI_PC_LIBS "-lyaml -ljansson -lturbojpeg -larchive -lpng -lz -lm -lpthread")
set(TUTTI_PLUG_DEFINITIONS "")
set(TUTTI_PLUGS_ABSENT "")

if(TUTTI_OPENMP)
	find_package(OpenMP REQUIRED COMPONENTS C)
	list(APPEND TUTTI_LIBRARIES OpenMP::OpenMP_C)
	string(APPEND TUTTI_PC_LIBS " ${OpenMP_C_FLAGS}")
endif()

# libsodium: encrypted connections between ranks.
if(TUTTI_SODIUM)
	pkg_check_modules(SODIUM IMPORTED_TARGET libsodium)
endif()
if(TUTTI_SODIUM AND SODIUM_FOUND)
	list(APPEND TUTTI_LIBRARIES PkgConfig::SODIUM)
	string(APPEND TUTTI_PC_LIBS " -lsodium")
endif()

# oneDNN: kernels for convolutions and the like.
if(TUTTI_ONEDNN)
	find_path(DNNL_INCLUDE dnnl.h)
	find_library(DNNL_LIBRARY dnnl)
endif()
if(TUTTI_ONEDNN AND DNNL_INCLUDE AND DNNL_LIBRARY)
	add_library(dnnl_found INTERFACE)
	target_include_directories(dnnl_found SYSTEM INTERFACE ${DNNL_INCLUDE})
	target_link_libraries(dnnl_found INTERFACE ${DNNL_LIBRARY})
	list(APPEND TUTTI_LIBRARIES dnnl_found)
	list(APPEND TUTTI_PLUG_DEFINITIONS TT_HAVE_ONEDNN)
	string(APPEND TUTTI_PC_LIBS " -ldnnl")
else()
	list(APPEND TUTTI_PLUGS_ABSENT onednn)
endif()

# OpenBLAS: small matrix products.  Its header is enough: it is loaded when a kernel wants it.
file(GLOB openblas_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/plug/openblas/*.c)
if(TUTTI_OPENBLAS AND openblas_sources)
	find_path(OPENBLAS_INCLUDE cblas.h PATH_SUFFIXES
		${CMAKE_LIBRARY_ARCHITECTURE}/openblas-pthread openblas-pthread openblas)
endif()
if(TUTTI_OPENBLAS AND openblas_sources AND OPENBLAS_INCLUDE)
	add_library(openblas_found INTERFACE)
	target_include_directories(openblas_found SYSTEM INTERFACE ${OPENBLAS_INCLUDE})
	target_link_libraries(openblas_found INTERFACE ${CMAKE_DL_LIBS})
	list(APPEND TUTTI_LIBRARIES openblas_found)
	list(APPEND TUTTI_PLUG_DEFINITIONS TT_HAVE_OPENBLAS)
else()
	list(APPEND TUTTI_PLUGS_ABSENT openblas)
endif()

# MPI: ranks that are processes on many machines.  Which library: by its compiler wrapper, such as
# -DMPI_C_COMPILER=mpicc.mpich -DMPIEXEC_EXECUTABLE=/usr/bin/mpiexec.mpich (the tests' launcher).
if(TUTTI_MPI)
	find_package(MPI 3.0 QUIET COMPONENTS C)
endif()
if(TUTTI_MPI AND MPI_C_FOUND)
	list(APPEND TUTTI_LIBRARIES MPI::MPI_C)
	list(APPEND TUTTI_PLUG_DEFINITIONS TT_HAVE_MPI)
	list(JOIN MPI_C_LIBRARIES " " mpi_libraries)
	string(APPEND TUTTI_PC_LIBS " ${mpi_libraries}")
else()
	list(APPEND TUTTI_PLUGS_ABSENT mpi)
endif()

message(STATUS "Plugs built in: ${TUTTI_PLUG_DEFINITIONS}")
