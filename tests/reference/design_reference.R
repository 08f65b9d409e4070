# svyglm on a small invented sample: which rows, PSUs and strata count when a domain loses some of them.
#
#   Rscript design_reference.R DESIGN_INPUT_CSV OUT_DIR
#
# Made with R 4.2.2, survey 4.1.1, Hmisc 4.8.0, jsonlite 1.8.4, on 2026-11-23. Input: make_design_input.py.
#
# What the numbers show:
#   full               every row, the weights of zero among them
#   part               a domain in every PSU
#   part_less_psu      a domain with nobody in one PSU: the covariance still counts that PSU (its score total is zero
#                      and the stratum keeps the n_h of the design), the design df does not
#   part_lone_psu      the same in a stratum of two, which leaves one: R goes on, one total against zero, because the
#                      stratum is not lonely in the design (survey.adjust.domain.lonely is FALSE by default); it adds
#                      nothing to the design df
#   part_less_stratum  a domain with nobody in one stratum: neither counts it
#   lonely_psu         the same domain in a sample whose first stratum has one PSU, under survey.lonely.psu = "adjust":
#                      the deviation of its total from the mean of all totals, which is zero, stands in for its variance
# A row of weight zero belongs to its domain and to n. It has no say in the fit and none in the df, but it is in the
# mean by which svyglm rescales the weights, hence in the Rao-Scott statistic and its lambda (common.R), not in their p.

script_folder <- function() {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  if (length(script)) dirname(script) else "."
}
source(file.path(script_folder(), "common.R"))

DOMAINS <- c(full = "everybody", part = "in_part", part_less_psu = "in_part_less_psu",
             part_lone_psu = "in_part_lone_psu", part_less_stratum = "in_part_less_stratum", lonely_psu = "in_part")
GRID <- seq(60, 700, by = 80)

# glm's summary says of every fit here that rows of weight zero do not enter the dispersion, which is not used.
without_zero_weight_notice <- function(code) {
  withCallingHandlers(code, warning = function(notice) {
    if (grepl("observations with zero weight not used", conditionMessage(notice))) invokeRestart("muffleWarning")
  })
}

# Of all samples only that of lonely_psu has a stratum with one PSU, so this moves no number of the others.
options(survey.lonely.psu = "adjust")
sample_of <- function(id, people) {
  if (id == "lonely_psu") subset(people, !(strata == 1 & psu == 2)) else people
}

mean_rows <- function(id, domain) {
  means <- svymean(~y + z, domain)
  estimate <- unname(coef(means))
  std_error <- unname(SE(means))
  df <- degf(domain)
  half <- half_width(std_error, df)
  data.frame(study_id = id, variable = names(coef(means)), estimate, std_error, df, conf_low = estimate - half,
             conf_high = estimate + half)
}

# The p-value of the Rao-Scott test by itself, far from the mean of its distribution and next to it.
TAIL_LAMBDA <- list(2, c(1, 1, 1), c(4, 1, 0.5))
TAIL_PLACES <- c(0.01, 0.1, 0.5, 0.9, 0.98, 1 - 1e-5, 1 + 1e-5, 1.02, 1.1, 2, 5, 20)

tail_rows <- function(lambda, df) {
  statistic <- sum(lambda) * TAIL_PLACES
  tail <- function(x) survey:::pFsum(x, rep(1, length(lambda)), lambda, df, lower.tail = FALSE, method = "saddlepoint")
  data.frame(lambda = paste(lambda, collapse = ";"), df, statistic, p_value = sapply(statistic, tail))
}

# Knots and reference from all rows: here they only have to be the same on both sides.
domain_reference <- function(id, people) {
  people <- sample_of(id, people)
  knots <- unname(quantile(people$x, c(0.05, 0.35, 0.65, 0.95), type = 7))
  reference <- unname(quantile(people$x, 0.5, type = 7))
  spline <- spline_columns(people$x, knots, "x")
  frame <- data.frame(people[c("strata", "psu", "w", "y", "z")], spline)
  design <- svydesign(ids = ~psu, strata = ~strata, nest = TRUE, weights = ~w, data = frame)
  domain <- subset(design, people[[DOMAINS[[id]]]] == 1)
  fit <- fit_domain(domain, "y", c(colnames(spline), "z"))
  tested <- spline_test_rows(id, fit, colnames(spline))
  samples <- cbind(sample_row(id, domain, fit, reference), n_positive = sum(weights(domain, "sampling") > 0))
  list(samples = samples, knots = data.frame(study_id = id, index = seq_along(knots), knot = knots),
       fits = fit_rows(id, fit), vcov = vcov_rows(id, fit), tests = tested$tests, rao_scott_lambda = tested$lambda,
       curve = curve_rows(id, fit, GRID, knots, reference, "x"), means = mean_rows(id, domain))
}

main <- function(arguments) {
  if (length(arguments) != 2) stop("usage: Rscript design_reference.R DESIGN_INPUT_CSV OUT_DIR")
  people <- cbind(read.csv(arguments[1]), everybody = 1)
  results <- without_zero_weight_notice(lapply(names(DOMAINS), domain_reference, people = people))
  write_tables(results, arguments[2])
  tails <- c(lapply(TAIL_LAMBDA, tail_rows, df = 6), lapply(TAIL_LAMBDA, tail_rows, df = 44))
  write_table(do.call(rbind, tails), arguments[2], "tails")
  write_versions(arguments[2], c("survey", "Hmisc", "jsonlite"))
}

if (sys.nframe() == 0L) main(commandArgs(TRUE))
