# shellcheck shell=bash disable=SC2034  # read by ../run
package=libjsoncpp
edited=src/lib_json/json_reader.cpp
