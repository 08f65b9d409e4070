# svyglm on the jackknife replicates of the small invented sample of design_reference.R.
#
#   Rscript replicates_reference.R DESIGN_INPUT_CSV OUT_DIR
#
# Made with R 4.2.2, survey 4.1.1, Hmisc 4.8.0, jsonlite 1.8.4, on 2026-11-23. Input: make_design_input.py.
#
# The covariance is centred at the mean of the replicates (survey.replicates.mse is FALSE by default). Every replicate
# is fitted to epsilon = 1e-13; R's default of 1e-8 would leave its coefficients right to four digits fewer.

script_folder <- function() {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  if (length(script)) dirname(script) else "."
}
source(file.path(script_folder(), "common.R"))

DOMAINS <- c(full = "everybody", part = "in_part", part_less_psu = "in_part_less_psu")

arguments <- commandArgs(trailingOnly = TRUE)
people <- read.csv(arguments[1])
people$everybody <- 1
knots <- unname(quantile(people$x, c(0.05, 0.35, 0.65, 0.95), type = 7))
spline <- spline_columns(people$x, knots, "x")
terms <- c(colnames(spline), "z")
frame <- data.frame(people[c("strata", "psu", "w", "y", "z")], spline)
design <- svydesign(ids = ~psu, strata = ~strata, nest = TRUE, weights = ~w, data = frame)
jackknife <- as.svrepdesign(design, type = "JKn")

jackknife_rows <- function(id) {
  domain <- subset(jackknife, people[[DOMAINS[[id]]]] == 1)
  formula <- as.formula(paste("y ~", paste(terms, collapse = " + ")))
  fit <- suppressWarnings(svyglm(formula, design = domain, family = quasibinomial(),
                                 control = glm.control(epsilon = 1e-13, maxit = 50)))
  names <- c("intercept", terms)
  vcov <- unname(vcov(fit))
  lower <- which(lower.tri(vcov, diag = TRUE), arr.ind = TRUE)
  list(fits = data.frame(study_id = id, term = names, estimate = unname(coef(fit)), std_error = sqrt(diag(vcov))),
       vcov = data.frame(study_id = id, row = names[lower[, 1]], col = names[lower[, 2]], value = vcov[lower]))
}

write_tables(lapply(names(DOMAINS), jackknife_rows), arguments[2])
write_versions(arguments[2], c("survey"))
