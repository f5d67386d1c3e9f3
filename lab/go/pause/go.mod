// SPDX-License-Identifier: GPL-3.0-or-later
module mcistio.gke/lab/pause

go 1.26.0
