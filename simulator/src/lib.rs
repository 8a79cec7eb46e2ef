//! A small Data Transfer Service cloud.
