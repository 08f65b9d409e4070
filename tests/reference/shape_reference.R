# Tests of a U-shape on the small invented sample of design_reference.R: slopes at the ends, the turning point of a
# quadratic, two lines.
#
#   Rscript shape_reference.R DESIGN_INPUT_CSV OUT_DIR
#
# Made with R 4.2.2, survey 4.1.1, Hmisc 4.8.0, jsonlite 1.8.4, on 2026-11-23. Input: make_design_input.py.
#
# From the packages: svyglm fits, slopes and their errors (svycontrast), the spline (rcspline.eval). Written out here
# from the papers: the intersection-union p-value (Lind & Mehlum 2010), Fieller's set as the roots of his quadratic
# (Fieller 1954), the Robin Hood rule (Simonsohn 2018) with the error of the centred curve.
#
# The derivative of the spline is its central difference quotient, extrapolated (Richardson), which is exact for cubics;
# so the exposures at which it is taken are more than a unit away from a knot.
#
# People of weight zero are left out of the domain (subset keeps their PSUs), as the Python code does.

script_folder <- function() {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  if (length(script)) dirname(script) else "."
}
source(file.path(script_folder(), "common.R"))

DOMAINS <- c(full = "everybody", part = "in_part", part_less_psu = "in_part_less_psu")
KNOTS <- c(0.05, 0.35, 0.65, 0.95)
QUADRATIC <- c("x", "I(x^2)", "z")
LEVELS <- c(0.1, 0.5, 0.8, 0.95, 0.955, 0.985, 0.999)
EXPOSURES <- c(120, 180, 260, 340, 420, 520)
BREAKS <- c(0.35, 0.5, 0.65)

options(survey.lonely.psu = "adjust")

design_of <- function(frame) svydesign(ids = ~psu, strata = ~strata, nest = TRUE, weights = ~w, data = frame)

# ---- slopes --------------------------------------------------------------------------------------------------------

slope_rows <- function(id, curve, x, fit, rows) {
  found <- svycontrast(fit, setNames(lapply(seq_along(x), function(i) unname(rows[i, ])), paste0("at", seq_along(x))))
  slope <- unname(coef(found))
  std_error <- unname(SE(found))
  df <- fit$df.residual
  data.frame(study_id = id, curve, x, estimate = slope, std_error, statistic = slope / std_error, df,
             p_falling = pt(slope / std_error, df), p_rising = pt(slope / std_error, df, lower.tail = FALSE))
}

end_rows <- function(slopes) {
  ends <- function(curve) {
    two <- slopes[slopes$curve == curve, ][1:2, ]
    data.frame(study_id = two$study_id[1], curve, low = two$x[1], high = two$x[2],
               u = max(two$p_falling[1], two$p_rising[2]), inverted_u = max(two$p_rising[1], two$p_falling[2]))
  }
  do.call(rbind, lapply(unique(slopes$curve), ends))
}

derivative_columns <- function(x, knots) {
  quotient <- function(h) (spline_columns(x + h, knots, "x") - spline_columns(x - h, knots, "x")) / (2 * h)
  (4 * quotient(0.5) - quotient(1)) / 3
}

# ---- turning point -------------------------------------------------------------------------------------------------

turning_rows <- function(id, fit) {
  b <- unname(coef(fit)[2:3])
  V <- unname(vcov(fit)[2:3, 2:3])
  x <- -b[1] / (2 * b[2])
  gradient <- c(-1 / (2 * b[2]), b[1] / (2 * b[2]^2))
  each <- function(level) {
    t <- qt((1 + level) / 2, fit$df.residual)
    # a x^2 + 2 h x + c <= 0
    a <- 4 * (b[2]^2 - t^2 * V[2, 2])
    h <- 2 * (b[1] * b[2] - t^2 * V[1, 2])
    c <- b[1]^2 - t^2 * V[1, 1]
    D <- h^2 - a * c
    kind <- if (a > 0) "bounded" else if (D > 0) "complement" else "whole_line"
    roots <- if (kind == "whole_line") c(NA, NA) else sort((-h + c(-1, 1) * sqrt(D)) / a)
    data.frame(study_id = id, conf_level = level, estimate = x, std_error = sqrt(drop(gradient %*% V %*% gradient)),
               confidence_set = kind, low = roots[1], high = roots[2])
  }
  do.call(rbind, lapply(LEVELS, each))
}

# ---- two lines -----------------------------------------------------------------------------------------------------

line_fit <- function(frame, member, at, break_is_low) {
  frame$high <- as.numeric(if (break_is_low) frame$x > at else frame$x >= at)
  frame$x_low <- (1 - frame$high) * (frame$x - at)
  frame$x_high <- frame$high * (frame$x - at)
  fit_domain(subset(design_of(frame), member), "y", c("x_low", "x_high", "high", "z"))
}

line_rows <- function(id, frame, member, at, label) {
  low <- fit_rows(id, line_fit(frame, member, at, TRUE))
  high <- fit_rows(id, line_fit(frame, member, at, FALSE))
  both <- rbind(low[low$term == "x_low", ], high[high$term == "x_high", ])
  n <- c(sum(frame$x[member] <= at), sum(frame$x[member] >= at))
  data.frame(study_id = id, label, at, line = c("low", "high"), n, both[c("estimate", "std_error", "statistic", "df",
                                                                            "p_value")], row.names = NULL)
}

robin_hood <- function(id, frame, member, fit, knots, range, sign) {
  x <- frame$x[member]
  rows <- scale(spline_columns(x, knots, "x"), scale = FALSE)
  terms <- colnames(rows)
  curve <- sign * drop(rows %*% coef(fit)[terms])
  std_error <- sqrt(rowSums((rows %*% vcov(fit)[terms, terms]) * rows))
  inside <- x > range[1] & x < range[2]
  lowest <- min(curve[inside])
  flat <- x[inside & curve - std_error < lowest]
  before <- line_rows(id, frame, member, median(flat), "first")
  z <- abs(before$statistic)
  at <- unname(quantile(flat, z[2] / sum(z), type = 7))
  shape <- if (sign > 0) "u" else "inverted_u"
  after <- line_rows(id, frame, member, at, shape)
  found <- data.frame(study_id = id, shape, low = range[1], high = range[2],
                      extreme = x[inside][which.min(curve[inside])], flat_low = min(flat), flat_high = max(flat),
                      flat_n = length(flat), first_break = median(flat), z_low = before$statistic[1],
                      z_high = before$statistic[2], break_point = at)
  list(found = found, lines = after)
}

# ---- all of it -----------------------------------------------------------------------------------------------------

domain_reference <- function(id, people) {
  knots <- unname(quantile(people$x, KNOTS, type = 7))
  spline <- spline_columns(people$x, knots, "x")
  frame <- data.frame(people[c("strata", "psu", "w", "y", "z")], spline)
  member <- people[[DOMAINS[[id]]]] == 1 & people$w > 0
  domain <- subset(design_of(frame), member)
  quadratic <- fit_domain(domain, "y", QUADRATIC)
  curve <- fit_domain(domain, "y", c(colnames(spline), "z"))
  x <- unname(c(quantile(frame$x[member], c(0.1, 0.9), type = 7), EXPOSURES))
  stopifnot(min(abs(outer(x, knots, "-"))) > 1)
  slopes <- rbind(slope_rows(id, "quadratic", x, quadratic, cbind(0, 1, 2 * x, 0)),
                  slope_rows(id, "spline", x, curve, cbind(0, derivative_columns(x, knots), 0)))
  range <- x[1:2]
  lines <- lapply(c(1, -1), function(sign) robin_hood(id, frame, member, curve, knots, range, sign))
  # Some of these breaks are somebody's exposure, so that the two regressions differ.
  breaks <- quantile(frame$x[member], BREAKS, type = 1)
  given <- do.call(rbind, lapply(breaks, line_rows, id = id, frame = frame, member = member, label = "given"))
  list(slopes = slopes, end_slopes = end_rows(slopes), turning_points = turning_rows(id, quadratic),
       breaks = do.call(rbind, lapply(lines, `[[`, "found")),
       lines = rbind(given, do.call(rbind, lapply(lines, `[[`, "lines"))))
}

main <- function(arguments) {
  if (length(arguments) != 2) stop("usage: Rscript shape_reference.R DESIGN_INPUT_CSV OUT_DIR")
  people <- cbind(read.csv(arguments[1]), everybody = 1)
  write_tables(lapply(names(DOMAINS), domain_reference, people = people), arguments[2])
  write_versions(arguments[2], c("survey", "Hmisc", "jsonlite"))
}

if (sys.nframe() == 0L) main(commandArgs(TRUE))
