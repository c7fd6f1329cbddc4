/* SPDX-License-Identifier: MIT
 * Classes of Java that do something as soon as somebody makes one.
 */
#ifndef AUDIT_CHECK_JAVA_H
#define AUDIT_CHECK_JAVA_H

#include "base/base.h"

/*
 * A class that readers of JSON and XML which take the class from the document
 * (Jackson with default typing, fastjson, XStream, XMLDecoder) are attacked with:
 * ysoserial, marshalsec.  By its whole name.
 */
bool check_java_acts(const char *name, size_t len);

#endif
