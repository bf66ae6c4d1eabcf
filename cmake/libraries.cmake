# Foreign libraries.  Sets TUTTI_LIBRARIES (what the core needs), TUTTI_PLUGS with a kind and
# libraries for each, TUTTI_WITHOUT (which are missing, and why) and TUTTI_PC_LIBS (for those who
# link the archive).

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PNG REQUIRED)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
find_package(JPEG REQUIRED)
pkg_check_modules(ARCHIVE REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(NLOPT REQUIRED IMPORTED_TARGET nlopt)
find_program(PROTOC_C protoc-c REQUIRED)        # of messages it makes C

set(TUTTI_LIBRARIES PkgConfig::YAML PkgConfig::JANSSON JPEG::JPEG PkgConfig::ARCHIVE
	PkgConfig::SODIUM PkgConfig::PROTOBUF_C PkgConfig::PCRE2 PkgConfig::UTF8PROC PkgConfig::NLOPT
	PNG::PNG ZLIB::ZLIB Threads::Threads m)
set(TUTTI_PC_LIBS "-lyaml -ljansson -ljpeg -larchive -lsodium -lprotobuf-c -lpcre2-8 -lutf8proc -lnlopt -lpng -lz -lm -lpthread")

if(TUTTI_OPENMP)
	find_package(OpenMP REQUIRED COMPONENTS C)
	list(APPEND TUTTI_LIBRARIES OpenMP::OpenMP_C)
	string(APPEND TUTTI_PC_LIBS " ${OpenMP_C_FLAGS}")
endif()

# ---- plugs: one folder of src/plug and one library each ----
#
# A plug is told of in one place: plug(NAME KIND "WHAT IT SERVES"), and then plug_with(NAME
# LIBRARIES...) where the library is there, or plug_without(NAME WHY) where it is not, which
# `tutti info` tells.  Those of TUTTI_LINKED are part of the library; the others are shared objects in
# a folder beside it.

set(TUTTI_PLUGS "")                     # that are built
set(TUTTI_WITHOUT "")                   # rows WITHOUT(...) for src/plug/register.c: why one is missing

macro(plug name kind serves)
	string(TOUPPER ${kind} TUTTI_PLUG_ENUM_${name})
	set(TUTTI_PLUG_KIND_${name} ${kind})
	set(TUTTI_PLUG_SERVES_${name} "${serves}")
endmacro()

macro(plug_with name)
	list(APPEND TUTTI_PLUGS ${name})
	set(TUTTI_PLUG_LIBRARIES_${name} ${ARGN})
endmacro()

macro(plug_without name why)
	string(APPEND TUTTI_WITHOUT "WITHOUT(PLUG_${TUTTI_PLUG_ENUM_${name}}, \"${name}\", "
		"\"${TUTTI_PLUG_SERVES_${name}}\", \"not built: ${why}\") ")
endmacro()

# oneDNN: kernels for convolutions and the like.
plug(onednn device "compute on CPUs")
if(TUTTI_ONEDNN)
	find_path(DNNL_INCLUDE dnnl.h)
	find_library(DNNL_LIBRARY dnnl)
endif()
if(NOT TUTTI_ONEDNN)
	plug_without(onednn "TUTTI_ONEDNN is off")
elseif(DNNL_INCLUDE AND DNNL_LIBRARY)
	add_library(dnnl_found INTERFACE)
	target_include_directories(dnnl_found SYSTEM INTERFACE ${DNNL_INCLUDE})
	target_link_libraries(dnnl_found INTERFACE ${DNNL_LIBRARY})
	plug_with(onednn dnnl_found)
	string(APPEND TUTTI_PC_LIBS " -ldnnl")
else()
	plug_without(onednn "there was no dnnl.h (libdnnl-dev)")
endif()

# OpenBLAS: small matrix products.  Its header is enough: it is loaded when a kernel wants it.
plug(openblas device "dense layers on CPUs, where it is faster")
if(TUTTI_OPENBLAS)
	find_path(OPENBLAS_INCLUDE cblas.h PATH_SUFFIXES
		${CMAKE_LIBRARY_ARCHITECTURE}/openblas-pthread openblas-pthread openblas)
endif()
if(NOT TUTTI_OPENBLAS)
	plug_without(openblas "TUTTI_OPENBLAS is off")
elseif(OPENBLAS_INCLUDE)
	add_library(openblas_found INTERFACE)
	target_include_directories(openblas_found SYSTEM INTERFACE ${OPENBLAS_INCLUDE})
	target_link_libraries(openblas_found INTERFACE ${CMAKE_DL_LIBS})
	plug_with(openblas openblas_found)
else()
	plug_without(openblas "there was no cblas.h of OpenBLAS (libopenblas-pthread-dev)")
endif()

# MPI: ranks that are processes on many machines.  Which library: by its compiler wrapper, such as
# -DMPI_C_COMPILER=mpicc.mpich -DMPIEXEC_EXECUTABLE=/usr/bin/mpiexec.mpich (the tests' launcher).
plug(mpi transport "ranks on many machines")
if(TUTTI_MPI)
	find_package(MPI 3.0 QUIET COMPONENTS C)
endif()
if(NOT TUTTI_MPI)
	plug_without(mpi "TUTTI_MPI is off")
elseif(MPI_C_FOUND)
	plug_with(mpi MPI::MPI_C)
	list(JOIN MPI_C_LIBRARIES " " mpi_libraries)
	string(APPEND TUTTI_PC_LIBS " ${mpi_libraries}")
else()
	plug_without(mpi "there was no MPI library (libopenmpi-dev or libmpich-dev)")
endif()

# Formats of pictures beyond JPEG, PNG and BMP.
plug(webp codec "WebP images")
plug(gif codec "GIF images")
plug(tiff codec "TIFF images")
pkg_check_modules(WEBP IMPORTED_TARGET libwebp libwebpdemux)
pkg_check_modules(TIFF IMPORTED_TARGET libtiff-4>=4.5)
find_package(GIF QUIET)
if(WEBP_FOUND)
	plug_with(webp PkgConfig::WEBP)
	string(APPEND TUTTI_PC_LIBS " -lwebpdemux -lwebp")
else()
	plug_without(webp "there was no libwebp with libwebpdemux (libwebp-dev)")
endif()
if(GIF_FOUND)
	plug_with(gif GIF::GIF)
	string(APPEND TUTTI_PC_LIBS " -lgif")
else()
	plug_without(gif "there was no gif_lib.h (libgif-dev)")
endif()
if(TIFF_FOUND)
	plug_with(tiff PkgConfig::TIFF)
	string(APPEND TUTTI_PC_LIBS " -ltiff")
else()
	plug_without(tiff "there was no libtiff of 4.5 or later (libtiff-dev)")
endif()

# Files of other tools.
plug(hdf5 file "Keras files")
pkg_check_modules(HDF5 QUIET IMPORTED_TARGET hdf5>=1.10)
if(HDF5_FOUND)
	plug_with(hdf5 PkgConfig::HDF5)
	list(JOIN HDF5_LDFLAGS " " hdf5_libraries)
	string(APPEND TUTTI_PC_LIBS " ${hdf5_libraries}")
else()
	plug_without(hdf5 "there was no libhdf5 of 1.10 or later (libhdf5-dev)")
endif()

# Stores of runs.
plug(sqlite store "stores of runs")
pkg_check_modules(SQLITE QUIET IMPORTED_TARGET sqlite3>=3.35)
if(SQLITE_FOUND)
	plug_with(sqlite PkgConfig::SQLITE)
	string(APPEND TUTTI_PC_LIBS " -lsqlite3")
else()
	plug_without(sqlite "there was no libsqlite3 of 3.35 or later (libsqlite3-dev)")
endif()

plug(postgres store "stores of runs on a server")
pkg_check_modules(LIBPQ QUIET IMPORTED_TARGET libpq)
if(LIBPQ_FOUND)
	plug_with(postgres PkgConfig::LIBPQ)
	string(APPEND TUTTI_PC_LIBS " -lpq")
else()
	plug_without(postgres "there was no libpq (libpq-dev)")
endif()

# Servers that are told of runs.
plug(mlflow tracker "runs in MLflow's servers")
pkg_check_modules(CURL QUIET IMPORTED_TARGET libcurl>=7.85)
if(CURL_FOUND)
	plug_with(mlflow PkgConfig::CURL)
	string(APPEND TUTTI_PC_LIBS " -lcurl")
else()
	plug_without(mlflow "there was no libcurl of 7.85 or later (libcurl4-openssl-dev)")
endif()

message(STATUS "Plugs: ${TUTTI_PLUGS}")
